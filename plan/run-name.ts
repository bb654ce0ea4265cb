/** `runbook-20261123-0214-3f9c`: when it began (UTC) and the end of its execution's id (its start is the time again). */
const FORM = /^runbook-\d{8}-\d{4}-[0-9a-f]{4}$/;

/** What a run calls its snapshots, jobs and tags. Sorts by time. */
export function runName(startedAt: Date, executionId: string): string {
  const [date = '', time = ''] = startedAt.toISOString().split(/[TZ.]/);
  return `runbook-${date.replaceAll('-', '')}-${time.slice(0, 5).replace(':', '')}-${executionId.slice(-4)}`;
}

/** Whether something of this name was made by a run; nothing else is ever deleted. */
export function isRunName(name: string): boolean {
  return FORM.test(name);
}
