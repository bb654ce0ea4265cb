import { ActivityFailure, sleep, TimeoutFailure } from '@temporalio/workflow';
import { LEARNS_WITHIN } from './retries.ts';

/** What failed by its time may be at work for that long still, and would work against what takes it back. */
export async function untilAtRest(error: unknown): Promise<void> {
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) await sleep(LEARNS_WITHIN);
}
