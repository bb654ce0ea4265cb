import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { suggest } from '../../fleet/suggest.ts';
import { isRunView } from '../../plan/is-run-view.ts';
import type { RunView } from '../../plan/run.ts';
import { CliError } from '../errors.ts';
import { clean } from '../render/clean.ts';
import { isOpen, type RunState } from '../run-state.ts';
import { clientOf, type WorkflowClient } from './client.ts';
import type { Connected } from './connect.ts';
import { listRuns } from './list-runs.ts';
import { readPending, unclaimedWorkflowTask } from './pending.ts';
import { queryView } from './query-view.ts';
import { statusOf } from './status-of.ts';

/** A run by its id; without `runId` its latest execution. */
export interface RunRef {
  workflowId: string;
  runId?: string;
}

/** Looks at one run again and again. Each look is cheap: the run is asked for its view only when its history grew. */
export type RunReader = () => Promise<RunState>;

const DESCRIBE_TIMEOUT_MS = 5000;

/** Throws CliError `failed` where there is no such run; errors of the connection are passed on. */
export function runReader(connected: Connected, ref: RunRef): RunReader {
  const client = clientOf(connected);
  let seen: { key: string; view: RunView } | undefined;
  return async () => {
    const handle = client.workflow.getHandle(ref.workflowId, ref.runId, { followRuns: false });
    const description = await connected.connection.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
      describe(connected, handle, ref),
    );
    const run = await stateOf(client, description);
    if (!isOpen(run.status)) {
      const end = await readEnd(connected, run);
      // A run that was terminated left nothing, but a worker that replays its history knows how far it came.
      const view = end.view ?? (await queryView(connected, run));
      return { ...run, ...end, ...(view === undefined ? {} : { view }) };
    }
    const key = `${run.runId}/${description.historyLength}`;
    if (seen?.key !== key) {
      const view = await queryView(connected, run);
      if (view !== undefined) seen = { key, view };
    }
    // An older view of the same execution is better than none while no worker answers.
    const known = seen?.key.startsWith(`${run.runId}/`) === true ? seen.view : undefined;
    return known === undefined ? run : { ...run, view: known };
  };
}

async function describe(
  connected: Connected,
  handle: WorkflowHandle,
  ref: RunRef,
): Promise<WorkflowExecutionDescription> {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isInvalidRunId(error))
      throw noSuchRun(ref, error, await suggestRun(connected, ref));
    throw error;
  }
}

/** The server answers INVALID_ARGUMENT (gRPC code 3) to a run id that is not a UUID. */
function isInvalidRunId(error: unknown): boolean {
  if (!(error instanceof Error) || !isGrpcServiceError(error.cause)) return false;
  const code: number = error.cause.code;
  return code === 3;
}

/** A run of a name like the one that was typed. */
async function suggestRun(connected: Connected, { workflowId, runId }: RunRef): Promise<string | undefined> {
  if (runId !== undefined) return undefined;
  const runs = await listRuns(connected, { limit: 100 }).catch(() => []);
  return suggest(workflowId, [...new Set(runs.map((run) => run.workflowId))]);
}

export const noSuchRun = (ref: RunRef, cause?: unknown, meant?: string): CliError =>
  new CliError(
    'failed',
    `There is no run ${ref.workflowId}${ref.runId === undefined ? '' : ` with run id ${clean(ref.runId)}`}.`,
    {
      description: [
        meant === undefined
          ? 'Runs are called <runbook>/<node>, as in safe-upgrade/elitedesk-1.'
          : `Did you mean ${meant}?`,
      ],
      suggestions: [{ command: 'runbook list', purpose: 'see the runs that Temporal knows' }],
      ...(cause instanceof WorkflowNotFoundError ? {} : { cause }),
    },
  );

async function stateOf(client: WorkflowClient, description: WorkflowExecutionDescription): Promise<RunState> {
  const unclaimedSince = unclaimedWorkflowTask(description);
  return {
    workflowId: description.workflowId,
    runId: description.runId,
    workflowType: description.type,
    status: statusOf(description.status.code),
    startedAt: description.startTime.toISOString(),
    ...(description.closeTime === undefined ? {} : { closedAt: description.closeTime.toISOString() }),
    pending: await readPending(client.options.loadedDataConverter, description),
    ...(unclaimedSince === undefined ? {} : { unclaimedSince }),
  };
}

/** What a closed run left: its result, or the view that its failure carries. */
export async function readEnd(
  connected: Connected,
  { workflowId, runId, status }: Pick<RunState, 'workflowId' | 'runId' | 'status'>,
): Promise<Pick<RunState, 'view' | 'closeReason'>> {
  if (status === 'ContinuedAsNew') return {};
  try {
    const handle = clientOf(connected).workflow.getHandle(workflowId, runId, { followRuns: false });
    const result: unknown = await handle.result();
    return isRunView(result) ? { view: result } : {};
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const view = viewOfFailure(error.cause);
    return { ...(view === undefined ? {} : { view }), closeReason: error.cause?.message ?? error.message };
  }
}

/** The final view in the first detail of a RolledBack, Failed or cancelled failure. */
function viewOfFailure(cause: Error | undefined): RunView | undefined {
  if (!(cause instanceof ApplicationFailure) && !(cause instanceof CancelledFailure)) return undefined;
  const detail: unknown = cause.details?.[0];
  return isRunView(detail) ? detail : undefined;
}
