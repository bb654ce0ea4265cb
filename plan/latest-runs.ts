/** Of each id the run that began last: it makes up for those before. Pure. */
export function latestOfEach<Run extends { workflowId: string; startedAt: string }>(runs: readonly Run[]): Run[] {
  const latest = new Map<string, Run>();
  for (const run of runs) {
    const known = latest.get(run.workflowId);
    if (known === undefined || known.startedAt < run.startedAt) latest.set(run.workflowId, run);
  }
  return [...latest.values()];
}
