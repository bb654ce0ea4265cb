import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TimeoutFailure,
  ChildWorkflowFailure,
} from '@temporalio/workflow';
import { FAILURES, isFailureType, type FailureType } from '../../plan/failures.ts';

export interface DescribedFailure {
  type: FailureType;
  message: string;
  whatToDo: string;
}

/** A failure for people: its type from the one table, its message without Temporal's wrapping. */
export function describeFailure(error: unknown): DescribedFailure {
  if (isCancellation(error)) return described('Cancelled', 'The run was cancelled.');
  const cause = rootCause(error);
  if (cause instanceof ApplicationFailure && isFailureType(cause.type)) return described(cause.type, cause.message);
  if (cause instanceof TimeoutFailure) {
    const last = cause.cause;
    return described(
      'TimedOut',
      last instanceof Error ? `It took too long; at last: ${last.message}` : 'It took too long.',
    );
  }
  return described('Unexpected', cause instanceof Error ? cause.message : String(cause));
}

/** A failure of the workflow's own, which Temporal does not try again. */
export function failure(type: FailureType, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}

/** For validators: the message goes to the person who sent the update. */
export function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'Refused');
}

function described(type: FailureType, message: string): DescribedFailure {
  return { type, message, whatToDo: FAILURES[type].whatToDo };
}

function rootCause(error: unknown): unknown {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause) return error.cause;
  return error;
}
