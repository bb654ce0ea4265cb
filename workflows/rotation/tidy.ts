import type { GuestRef } from '../../activities/contract.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** What runs that change a guest's key need on the worker goes with them. */

/** The end of a run that changed nothing: what looking needed. */
export async function ended(run: Run, ref: GuestRef, result: RunResult): Promise<RunResult> {
  await run.unstoppable(() =>
    run.step(
      { id: 'tidy', phase: 'clean up', title: 'what looking needed on the worker', kind: 'observe' },
      (activities) => activities.tidyRotation(ref),
      () => ({ state: 'done' }),
    ),
  );
  return result;
}

/** Returns what could not be removed. `keep`: the commit that a branch of the run's name is to have. */
export async function tidy({ run, ref }: { run: Run; ref: GuestRef }, keep?: string): Promise<string[]> {
  try {
    return await run.step(
      { id: 'tidy', phase: 'clean up', title: 'job records, and what it needed on the worker', kind: 'rollBack' },
      async (act) => {
        await act.tidyRotation({ ...ref, ...(keep === undefined ? {} : { keep }) });
        return act.forgetJobs({ ...ref, nodes: [ref.guest] });
      },
      () => ({ state: 'done' }),
    );
  } catch (error) {
    return [`On the worker: ${describeFailure(error).message}`];
  }
}
