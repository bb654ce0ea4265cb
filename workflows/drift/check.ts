import { isCancellation, patched } from '@temporalio/workflow';
import type { RunRef } from '../../activities/contract.ts';
import { clusterPart } from '../../plan/drift.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** Of runs that began before there was such a look. */
const PATCH = 'drift-check';

/**
 * What is not as declared of a member and its guests at the end of a run that has changed it: the part of `drift` that is seen at
 * once. It is told, and fails nothing.
 */
export async function checkDrift(run: Run, ref: RunRef, node: string): Promise<void> {
  if (!patched(PATCH)) return;
  try {
    await run.step(
      { id: 'drift', phase: 'verify', title: `${node} as declared`, kind: 'observe' },
      async (act) => {
        const scope = await act.resolveDrift({ fleet: ref.fleet, node });
        const cluster = await act.observeCluster({ ...ref, scope });
        const rows = clusterPart(scope, { cluster, at: new Date().toISOString() });
        if (rows.length > 0) run.drifted(rows);
        return rows;
      },
      (rows) => ({
        state: 'done',
        detail: rows.length === 0 ? 'it is' : rows.map(({ subject }) => subject).join(', '),
      }),
    );
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.warn(`Whether ${node} is as declared could not be looked at: ${describeFailure(error).message}`);
  }
}
