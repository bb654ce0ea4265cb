import { decodePendingActivityState, type WorkflowExecutionDescription } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { PendingActivity } from '../run-state.ts';

type RawActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** The activities that Temporal has in hand for a run: their attempts, last failures and heartbeats. */
export async function readPending(
  converter: LoadedDataConverter,
  description: WorkflowExecutionDescription,
): Promise<PendingActivity[]> {
  const all = description.raw.pendingActivities ?? [];
  return Promise.all(all.map((activity) => readActivity(converter, activity)));
}

async function readActivity(converter: LoadedDataConverter, raw: RawActivity): Promise<PendingActivity> {
  const failure = await decodeOptionalFailureToOptionalError(converter, raw.lastFailure);
  const [beat] = await decodeArrayFromPayloads(converter, raw.heartbeatDetails?.payloads);
  const nextAttemptAt = isoOf(raw.nextAttemptScheduleTime);
  const scheduledAt = isoOf(raw.scheduledTime);
  const startedAt = isoOf(raw.lastStartedTime);
  return {
    activityId: raw.activityId ?? '',
    activityType: raw.activityType?.name ?? '',
    state: stateOf(raw),
    attempt: raw.attempt ?? 1,
    ...(failure === undefined ? {} : { lastError: failure.message }),
    ...(scheduledAt === undefined ? {} : { scheduledAt }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(raw.lastWorkerIdentity ? { worker: raw.lastWorkerIdentity } : {}),
    ...readBeat(beat),
  };
}

function stateOf(raw: RawActivity): PendingActivity['state'] {
  switch (decodePendingActivityState(raw.state)) {
    case 'STARTED':
      return 'running';
    case 'CANCEL_REQUESTED':
      return 'cancelling';
    case 'PAUSED':
    case 'PAUSE_REQUESTED':
      return 'paused';
    case 'SCHEDULED':
    case undefined:
      return raw.nextAttemptScheduleTime ? 'backing off' : 'unclaimed';
  }
}

/** A heartbeat is `{progress?, bytes?, totalBytes?}`; whatever else it is, is not shown. */
function readBeat(beat: unknown): Pick<PendingActivity, 'progress' | 'bytes' | 'totalBytes'> {
  if (typeof beat !== 'object' || beat === null) return {};
  const { progress, bytes, totalBytes } = beat as Record<string, unknown>;
  return {
    ...(typeof progress === 'string' ? { progress } : {}),
    ...(typeof bytes === 'number' ? { bytes } : {}),
    ...(typeof totalBytes === 'number' ? { totalBytes } : {}),
  };
}

/** Since when a workflow task or an activity waits for a worker to take it; undefined where nothing does. */
export function unclaimedWorkflowTask(description: WorkflowExecutionDescription): string | undefined {
  const task = description.raw.pendingWorkflowTask;
  const waiting = [
    task?.state === proto.temporal.api.enums.v1.PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
      ? isoOf(task.scheduledTime)
      : undefined,
    ...(description.raw.pendingActivities ?? [])
      .filter((activity) => stateOf(activity) === 'unclaimed')
      .map(({ scheduledTime }) => isoOf(scheduledTime)),
  ].filter((since) => since !== undefined);
  return waiting.sort()[0];
}

const isoOf = (time: Parameters<typeof optionalTsToDate>[0]): string | undefined =>
  optionalTsToDate(time)?.toISOString();
