import { defaultPayloadConverter } from '@temporalio/common';
import { findCannotDecrypt } from '../../workers/codec/payload-codec.ts';
import { isRunView } from '../../plan/is-run-view.ts';
import type { RunView } from '../../plan/run.ts';
import { VIEW_QUERY } from '../../workflows/messages.ts';
import type { Connected } from './connect.ts';
import type { RunRef } from './read-run.ts';

/** A query that no worker answers must not hold up what is known without it. */
const QUERY_TIMEOUT_MS = 3000;

/** What a run says of itself. Undefined where no worker answers in time, or the run cannot tell. */
export async function queryView(
  { connection, namespace, codec }: Connected,
  { workflowId, runId }: RunRef,
): Promise<RunView | undefined> {
  const request = { namespace, execution: { workflowId, runId: runId ?? '' }, query: { queryType: VIEW_QUERY } };
  try {
    const { queryResult } = await connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      connection.workflowService.queryWorkflow(request),
    );
    const [payload] = await codec.decode(queryResult?.payloads ?? []);
    const answer: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isRunView(answer) ? answer : undefined;
  } catch (error) {
    if (error instanceof Error && findCannotDecrypt(error) === undefined) return undefined;
    throw error;
  }
}
