import { defineSearchAttributeKey } from '@temporalio/common';
import { decodeTypedSearchAttributes } from '@temporalio/common/lib/converter/payload-search-attributes.js';
import type { LastEnd } from '../../plan/schedule-health.ts';
import type { ScheduledEnd } from '../../plan/schedules.ts';
import { findCannotDecrypt } from '../../workers/codec/payload-codec.ts';
import { causes } from '../errors.ts';
import { isOpen } from '../run-state.ts';
import type { Connected } from './connect.ts';
import { statusOf } from './status-of.ts';

const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
const TIMEOUT_MS = 5000;
/** gRPC's status code. */
const NOT_FOUND = 5;

interface Execution {
  workflowId: string;
  runId: string;
}

/** The state of an execution and its outcome; undefined where Temporal does not keep it any more. */
export async function stateOf(
  { connection, namespace }: Connected,
  execution: Execution,
): Promise<{ isOpen: boolean; outcome: string } | undefined> {
  try {
    const { workflowExecutionInfo: info } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
      connection.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    const status = statusOf(info?.status);
    const outcome = decodeTypedSearchAttributes(info?.searchAttributes?.indexedFields).get(OUTCOME);
    return { isOpen: isOpen(status), outcome: outcome ?? status };
  } catch (error) {
    // Closed executions go at the end of the namespace's retention.
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return undefined;
    throw error;
  }
}

/**
 * What came of what a schedule started; undefined where Temporal does not keep it any more. With `onlyTrouble` also where a
 * run has begun: then the SDK's client, which takes its time, is not loaded.
 */
export async function readLastEnd(
  connected: Connected,
  execution: Execution,
  onlyTrouble: boolean,
): Promise<LastEnd | undefined> {
  const state = await stateOf(connected, execution);
  if (state === undefined) return undefined;
  if (state.isOpen) return { type: 'open' };
  return state.outcome === 'Started' && onlyTrouble ? undefined : readEnd(connected, execution);
}

/** Waits for its end. */
export async function readEnd(connected: Connected, { workflowId, runId }: Execution): Promise<ScheduledEnd> {
  const { clientOf } = await import('./client.ts');
  try {
    return (await clientOf(connected).workflow.getHandle(workflowId, runId).result()) as ScheduledEnd;
  } catch (error) {
    if (findCannotDecrypt(error) !== undefined) throw error;
    return { type: 'failed', reason: causes(error).join(': ') };
  }
}
