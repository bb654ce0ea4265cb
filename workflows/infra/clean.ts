import type { NodeRef } from '../../activities/contract.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** Plans hold secrets: they go with the run, however it ends. */
export async function cleanInfra(run: Run, ref: NodeRef, work: () => Promise<RunResult>): Promise<RunResult> {
  try {
    return await work();
  } finally {
    try {
      await run.unstoppable(() =>
        run.step(
          { id: 'end', phase: 'clean up', title: 'plans of this run', kind: 'rollBack' },
          (activities) => activities.endInfra(ref),
          () => ({ state: 'done' }),
        ),
      );
    } catch (error) {
      run.warn(`What it planned with is still on the worker: ${describeFailure(error).message}`);
    }
  }
}
