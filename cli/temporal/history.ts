import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
  decodeOptionalSinglePayload,
} from '@temporalio/common/lib/internal-non-workflow/index.js';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import type { ActivityTrace, RunHistory } from '../run-history.ts';
import { clientOf, type WorkflowClient } from './client.ts';
import type { Connected } from './connect.ts';
import { actorOfIdentity } from './identity.ts';
import type { RunRef } from './read-run.ts';

type RawHistory = Awaited<ReturnType<ReturnType<WorkflowClient['workflow']['getHandle']>['fetchHistory']>>;
type RawEvent = NonNullable<RawHistory['events']>[number];
type CancelRequested = NonNullable<RawEvent['workflowExecutionCancelRequestedEventAttributes']>;
type Converter = WorkflowClient['options']['loadedDataConverter'];

/** What the part of the server that speaks to runs calls itself. */
const SERVER = 'history-service';

/** Reads an execution's history. It needs no worker, and is there for as long as the namespace keeps closed runs. */
export async function readHistory(connected: Connected, { workflowId, runId }: RunRef): Promise<RunHistory> {
  const client = clientOf(connected);
  const { events = [] } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const converter = client.options.loadedDataConverter;
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  const activities = new Map<string, ActivityTrace>();
  const interventions: RunHistory['interventions'] = [];
  for (const event of events ?? []) {
    await traceActivity(converter, event, activities);
    interventions.push(...intervention(event));
  }
  return {
    startedBy: actorOfIdentity(started?.identity ?? ''),
    workflowType: started?.workflowType?.name ?? '',
    taskQueue: started?.taskQueue?.name ?? '',
    input: await decodeArrayFromPayloads(converter, started?.input?.payloads),
    activities: [...activities.values()],
    interventions,
  };
}

/** Events of an activity name the one that scheduled it by its event id. */
async function traceActivity(converter: Converter, event: RawEvent, all: Map<string, ActivityTrace>): Promise<void> {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) {
    const summary = await decodeOptionalSinglePayload<string>(converter, event.userMetadata?.summary);
    all.set(String(event.eventId), {
      activityId: scheduled.activityId ?? '',
      activityType: scheduled.activityType?.name ?? '',
      ...(typeof summary === 'string' ? { summary } : {}),
      scheduledAt: timeOf(event),
      attempts: 1,
      state: 'open',
    });
    return;
  }
  const started = event.activityTaskStartedEventAttributes;
  const end =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  const trace = all.get(String((started ?? end)?.scheduledEventId));
  if (trace === undefined) return;
  const failure = await decodeOptionalFailureToOptionalError(converter, failureOf(event));
  if (failure !== undefined) trace.lastError = failure.message;
  if (started) Object.assign(trace, { startedAt: timeOf(event), attempts: started.attempt ?? 1 });
  else Object.assign(trace, { endedAt: timeOf(event), state: stateOf(event) });
}

const failureOf = (event: RawEvent): Parameters<typeof decodeOptionalFailureToOptionalError>[1] =>
  event.activityTaskStartedEventAttributes?.lastFailure ??
  event.activityTaskFailedEventAttributes?.failure ??
  event.activityTaskTimedOutEventAttributes?.failure;

function stateOf(event: RawEvent): ActivityTrace['state'] {
  if (event.activityTaskCompletedEventAttributes) return 'done';
  return event.activityTaskCanceledEventAttributes ? 'cancelled' : 'failed';
}

/** What people and the server did to the run from outside, besides its own updates. */
function intervention(event: RawEvent): RunHistory['interventions'] {
  const at = timeOf(event);
  const cancelled = event.workflowExecutionCancelRequestedEventAttributes;
  if (cancelled) return [{ at, text: `cancel asked for by ${cancellerOf(cancelled)}` }];
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated)
    return [
      { at, text: `terminated by ${actorOfIdentity(terminated.identity ?? 'somebody')}: ${terminated.reason ?? ''}` },
    ];
  if (event.workflowExecutionTimedOutEventAttributes) return [{ at, text: 'the execution timed out' }];
  return [];
}

/** Where the run above was cancelled, the server passes that on in its own name. */
function cancellerOf({ identity, externalWorkflowExecution }: CancelRequested): string {
  const above = externalWorkflowExecution?.workflowId ?? '';
  if (above !== '') return above;
  return identity === SERVER ? 'the run above it' : actorOfIdentity(identity ?? 'somebody');
}

const timeOf = (event: RawEvent): string => (optionalTsToDate(event.eventTime) ?? new Date(0)).toISOString();
