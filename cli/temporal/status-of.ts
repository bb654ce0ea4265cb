import proto from '@temporalio/proto';
import type { RunStatus } from '../run-state.ts';

const { WorkflowExecutionStatus: Status } = proto.temporal.api.enums.v1;

const STATES: Partial<Record<number, RunStatus>> = {
  [Status.WORKFLOW_EXECUTION_STATUS_COMPLETED]: 'Completed',
  [Status.WORKFLOW_EXECUTION_STATUS_FAILED]: 'Failed',
  [Status.WORKFLOW_EXECUTION_STATUS_CANCELED]: 'Canceled',
  [Status.WORKFLOW_EXECUTION_STATUS_TERMINATED]: 'Terminated',
  [Status.WORKFLOW_EXECUTION_STATUS_TIMED_OUT]: 'TimedOut',
  [Status.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW]: 'ContinuedAsNew',
  [Status.WORKFLOW_EXECUTION_STATUS_PAUSED]: 'Paused',
};

/** The server's states in those of RunStatus; an unknown one counts as running. */
export const statusOf = (code: number | null | undefined): RunStatus => STATES[code ?? 0] ?? 'Running';
