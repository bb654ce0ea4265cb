import { ApplicationFailure } from '@temporalio/common';
import { HostError } from '../hosts/host.ts';
import { isFailureType } from '../plan/failures.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import { again } from './again.ts';

/** What came of it, or why it cannot be had now. Throws what is our own mistake, or nobody waits for any more. */
export async function orTypedProblem<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<{ type: 'value'; value: T } | { type: 'problem'; problem: Problem }> {
  try {
    return { type: 'value', value: await again(work, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof HostError && error.type !== 'Cancelled')
      return { type: 'problem', problem: problemOf(error.type, error.message) };
    if (error instanceof ApplicationFailure && isFailureType(error.type))
      return { type: 'problem', problem: problemOf(error.type, error.message) };
    throw error;
  }
}
