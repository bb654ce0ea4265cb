import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Reached, RestorationRef } from '../../activities/contract.ts';
import { activitiesFor } from '../support/activities.ts';
import { describeFailure } from '../support/failures.ts';
import { LEARNS_WITHIN } from '../support/retries.ts';
import type { Run, StepSpec } from '../support/run.ts';

/** The work itself and a host that goes away in the middle. */
const COPY_WITHIN = '22h';

/** The snapshot of a replica arrives on a member, as one step. Where it fails nothing stays at work, and nothing held. */
export async function receiveReplica(
  run: Run,
  work: RestorationRef,
  step: Omit<StepSpec, 'kind' | 'within'>,
): Promise<Reached> {
  try {
    return await run.step(
      { ...step, kind: 'long', within: COPY_WITHIN },
      (each) => each.receiveVolume(work),
      (state) => ({ state }),
    );
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      await letGo(error);
      await stop(run, work, step.title);
    });
    throw error;
  }
}

/** What failed by its time may be at work for that long still. */
export async function letGo(error: unknown): Promise<void> {
  if (!isCancellation(error)) await sleep(LEARNS_WITHIN);
}

/** Nothing is to be at work, nor held, when nobody watches any more. */
async function stop(run: Run, work: RestorationRef, title: string): Promise<void> {
  try {
    await activitiesFor({ id: 'stop-copy', phase: 'copy', title, kind: 'rollBack' }).stopRestore(work);
  } catch (error) {
    run.warn(`The transfer to ${work.restoration.member} may be at work still: ${describeFailure(error).message}`);
  }
}
