import type { Outcome, RunView, StepView } from '../plan/run.ts';
import type { Ending } from './exit-codes.ts';

/** How Temporal names the state of an execution; `Canceled` and `Terminated` are not outcomes of a runbook. */
export type RunStatus =
  'Running' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated' | 'TimedOut' | 'ContinuedAsNew' | 'Paused';

/** An activity that is under way, waits for its next attempt, or waits for a worker. */
export interface PendingActivity {
  /** The step's id, or that with `/<n>`. */
  activityId: string;
  activityType: string;
  state: 'running' | 'backing off' | 'unclaimed' | 'cancelling' | 'paused';
  attempt: number;
  /** Why the attempt before failed. */
  lastError?: string;
  /** ISO 8601. */
  scheduledAt?: string;
  startedAt?: string;
  nextAttemptAt?: string;
  worker?: string;
  /** What it said in its last heartbeat. */
  progress?: string;
  bytes?: number;
  totalBytes?: number;
}

/** One look at a run: what Temporal knows, and what the run says of itself. */
export interface RunState {
  workflowId: string;
  runId: string;
  workflowType: string;
  status: RunStatus;
  /** ISO 8601. */
  startedAt: string;
  closedAt?: string;
  /** Absent where nobody could answer: an open run without a worker, a run that was terminated. */
  view?: RunView;
  /** Why a closed run without a result ended. */
  closeReason?: string;
  pending: PendingActivity[];
  /** Work has waited for a worker since (ISO 8601). */
  unclaimedSince?: string;
}

/** What watching knows at an instant. */
export interface WatchState {
  run?: RunState;
  /** The server does not answer. */
  lost?: { since: string; message: string };
  /** Work waits and no worker takes it; `lastSeen` names the last that asked for work. */
  noWorker?: { since: string; taskQueue: string; lastSeen?: { identity: string; at: string } };
}

export const isOpen = (status: RunStatus): boolean => status === 'Running' || status === 'Paused';

/** Activities that belong to a step: their id is the step's, or begins with it and a slash. */
export const belongsTo = (step: Pick<StepView, 'id'>, activityId: string): boolean =>
  activityId === step.id || activityId.startsWith(`${step.id}/`);

/** How each outcome of a run is said, and how a command ends that followed it. */
export const ENDING = {
  Done: 'done',
  AlreadySo: 'already so',
  RolledBack: 'rolled back',
  Failed: 'failed',
} as const satisfies Record<Outcome, Ending>;

/** How a command ends that followed this run to its end. */
export function endingOf(run: RunState): Ending {
  const outcome = run.view?.result?.outcome;
  if (outcome === undefined) return run.status === 'Completed' ? 'done' : 'failed';
  return ENDING[outcome];
}
