/** A run's page in the Web UI at `base`. */
export function runPage(
  base: string,
  namespace: string,
  { workflowId, runId }: { workflowId: string; runId?: string | undefined },
): string {
  const path = ['namespaces', namespace, 'workflows', workflowId, ...(runId === undefined ? [] : [runId])];
  return `${base.replace(/\/+$/, '')}/${path.map(encodeURIComponent).join('/')}`;
}
