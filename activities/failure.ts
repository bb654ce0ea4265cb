import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { HostError } from '../hosts/host.ts';
import { redact } from '../hosts/redact.ts';
import { FAILURES, type FailureType } from '../plan/failures.ts';

/** Longer messages would retry a workflow task for ever; nobody reads them either. */
const MAX_MESSAGE = 2_000;

/** A failure of the one table, with its retryability. Secrets in the message are masked: it goes into a history. */
export function failure(type: FailureType, message: string): ApplicationFailure {
  const masked = redact(message);
  const capped = masked.length > MAX_MESSAGE ? `${masked.slice(0, MAX_MESSAGE)} …` : masked;
  return ApplicationFailure.create({ type, message: capped, nonRetryable: !FAILURES[type].retryable });
}

/** What a tool may answer besides what was asked for. */
export type ToolProblem =
  | { type: 'unexpected'; argv: string; exitCode: number; output: string; silent?: true }
  | { type: 'busy' | 'no quorum' | 'member offline' | 'in use'; message: string }
  | { type: 'not found'; what: string }
  | { type: 'not clustered' };

/** A tool's problem as a failure: `what` says what was being done. */
export function toolFailure(what: string, problem: ToolProblem): ApplicationFailure {
  switch (problem.type) {
    case 'unexpected':
      return failure(
        problem.silent ? 'Busy' : 'Unexpected',
        `${what}: ${problem.argv} ended with ${problem.exitCode}: ${problem.output}`,
      );
    case 'busy':
    case 'in use':
      return failure('Busy', `${what}: ${problem.message}`);
    case 'no quorum':
      return failure('NoQuorum', `${what}: the cluster has no quorum: ${problem.message}`);
    case 'member offline':
      return failure('Unreachable', `${what}: its member is offline: ${problem.message}`);
    case 'not found':
      return failure('NotFound', `${what}: ${problem.what}`);
    case 'not clustered':
      return failure('Unexpected', `${what}: this Incus server is not part of a cluster.`);
    default:
      // An answer that the caller did not expect, of those that its tool has.
      return failure('Unexpected', `${what}: ${JSON.stringify(problem)}`);
  }
}

/** Whatever was thrown, as Temporal is to see it: host errors by the table, cancellation as such. */
export function asFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (Context.current().cancellationSignal.aborted)
    return new CancelledFailure('The activity was cancelled', [], error as Error);
  if (!(error instanceof HostError)) return error;
  switch (error.type) {
    case 'Cancelled':
      return new CancelledFailure(error.message);
    case 'Unreachable':
    case 'Refused':
    case 'NotRun':
    case 'TimedOut':
    case 'Interrupted':
      return failure(error.type, withOutput(error));
  }
}

/** The message, and what it does not tell yet of the output: ssh's last words are in it already. */
function withOutput({ message, output }: HostError): string {
  const told = (line: string): boolean => message.includes(line.trim());
  const rest = output.split('\n').filter((line) => !told(line));
  return rest.length === 0 ? message : `${message} It said: ${rest.join('\n').trim().slice(-500)}`;
}
