import type { Deployment } from '../../plan/safe-upgrade.ts';
import type { Restarts } from '../../plan/preview.ts';
import type { Run } from '../support/run.ts';

/** For a plan that a person reads: what each switch would restart, asked of the machine itself. */
export async function previewUnits(run: Run, deployments: readonly Deployment[]): Promise<Restarts> {
  const restarts: Record<string, string[]> = {};
  for (const { node, mode } of deployments) {
    if (mode !== 'switch') continue;
    restarts[node] = await run.step(
      { id: `preview-${node}`, phase: 'plan', title: `what ${node} would restart`, kind: 'long' },
      (act) => act.previewUnits({ fleet: { revision: run.view.revision }, name: run.view.name, node }),
      (units) => ({ state: 'done', detail: units.length === 0 ? 'nothing' : units.join(', ') }),
    );
  }
  return restarts;
}
