import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { isRunView } from '../../plan/is-run-view.ts';
import type { RunView } from '../../plan/run.ts';
import { allOf } from './all-of.ts';
import type { Connected } from './connect.ts';
import type { RunSummary } from './list-runs.ts';

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

const TIMEOUT_MS = 15_000;
/** gRPC's status code. */
const NOT_FOUND = 5;
/** So many questions are open at once. */
const AT_ONCE = 8;

/**
 * The last view of each closed run, in their order; undefined of one that left none or is gone meanwhile. Asks for one event of
 * each, without the SDK's client: many are read in the time that loading it takes.
 */
export async function readViews(connected: Connected, runs: readonly RunSummary[]): Promise<(RunView | undefined)[]> {
  const found: (RunView | undefined)[] = [];
  for (let first = 0; first < runs.length; first += AT_ONCE)
    found.push(...(await allOf(runs.slice(first, first + AT_ONCE).map((run) => readView(connected, run)))));
  return found;
}

async function readView(
  { connection, namespace, codec }: Connected,
  { workflowId, runId }: Pick<RunSummary, 'workflowId' | 'runId'>,
): Promise<RunView | undefined> {
  const request = {
    ...{ namespace, execution: { workflowId, runId }, maximumPageSize: 1 },
    historyEventFilterType: proto.temporal.api.enums.v1.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
  };
  try {
    const { history } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
      connection.workflowService.getWorkflowExecutionHistory(request),
    );
    const [payload] = await codec.decode(payloadsOf(history?.events?.at(-1)).slice(0, 1));
    const value: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isRunView(value) ? value : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}

/** Its result, or the details of its failure: a run that failed or was cancelled leaves its view there. */
function payloadsOf(event: HistoryEvent | undefined): proto.temporal.api.common.v1.IPayload[] {
  const completed = event?.workflowExecutionCompletedEventAttributes?.result;
  const failed = event?.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.details;
  const cancelled = event?.workflowExecutionCanceledEventAttributes?.details;
  return (completed ?? failed ?? cancelled)?.payloads ?? [];
}
