import { defineSearchAttributeKey } from '@temporalio/common';
import { decodeTypedSearchAttributes } from '@temporalio/common/lib/converter/payload-search-attributes.js';
import { optionalTsToDate, requiredTsToDate } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import { namesOfRun, TASK_QUEUE, TYPES_OF_NO_RUN } from '../../workflows/messages.ts';
import type { RunStatus } from '../run-state.ts';
import type { Connected } from './connect.ts';
import { statusOf } from './status-of.ts';

/** One line of a list: what the server tells of a run without asking anybody. */
export interface RunSummary {
  workflowId: string;
  runId: string;
  runbook: string;
  subject: string;
  status: RunStatus;
  phase?: string;
  /** `Done`, `AlreadySo`, `RolledBack` or `Failed`; absent while it is open, and where it ended without one. */
  outcome?: string;
  startedAt: string;
  closedAt?: string;
}

export interface RunFilter {
  runbook?: string;
  subject?: string;
  outcome?: string;
  limit: number;
}

const PHASE = defineSearchAttributeKey('RunbookPhase', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
const TIMEOUT_MS = 15_000;
const PAGE = 200;
/** That many runs in 90 days are one each hour. */
const MOST_SINCE = 2000;

type Execution = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;

/**
 * Runs, open ones first, then by when they ended. Filters are applied here, not in a query: what was typed stays data,
 * and a server without runbook's search attributes still lists.
 */
export function listRuns(connected: Connected, filter: RunFilter): Promise<RunSummary[]> {
  return connected.connection.withDeadline(Date.now() + TIMEOUT_MS, async () => {
    const found: RunSummary[] = [];
    if (filter.limit === 0) return found;
    for await (const execution of executions(connected)) {
      const run = summaryOf(execution);
      if (run === undefined || !matches(run, filter)) continue;
      found.push(run);
      if (found.length >= filter.limit) break;
    }
    return found;
  });
}

/** Closed runs that ended after `since` (ISO 8601), the newest first, and whether there were more than are read. */
export function listClosedSince(
  connected: Connected,
  since: string,
): Promise<{ runs: RunSummary[]; isCutOff: boolean }> {
  return connected.connection.withDeadline(Date.now() + 2 * TIMEOUT_MS, async () => {
    const runs: RunSummary[] = [];
    for await (const execution of executions(connected, `CloseTime > '${since}'`)) {
      const run = summaryOf(execution);
      if (run?.closedAt === undefined) continue;
      if (runs.length >= MOST_SINCE) return { runs, isCutOff: true };
      runs.push(run);
    }
    return { runs, isCutOff: false };
  });
}

/** `which`: words of ours alone. */
async function* executions({ connection, namespace }: Connected, which?: string): AsyncGenerator<Execution> {
  const types = TYPES_OF_NO_RUN.map((type) => `'${type}'`).join(', ');
  const query = [
    `TaskQueue = '${TASK_QUEUE}'`,
    `WorkflowType NOT IN (${types})`,
    ...(which === undefined ? [] : [which]),
  ];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query: query.join(' AND '), pageSize: PAGE, nextPageToken };
    const page = await connection.workflowService.listWorkflowExecutions(request);
    yield* page.executions;
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
}

function summaryOf(execution: Execution): RunSummary | undefined {
  const { workflowId, runId } = execution.execution ?? {};
  const names = namesOfRun(workflowId ?? '');
  const status = statusOf(execution.status);
  if (!workflowId || !runId || names === undefined || status === 'ContinuedAsNew') return undefined;
  const attributes = decodeTypedSearchAttributes(execution.searchAttributes?.indexedFields);
  const phase = attributes.get(PHASE);
  const outcome = attributes.get(OUTCOME);
  const closedAt = optionalTsToDate(execution.closeTime);
  return {
    workflowId,
    runId,
    ...names,
    status,
    ...(phase === undefined ? {} : { phase }),
    ...(outcome === undefined ? {} : { outcome }),
    startedAt: requiredTsToDate(execution.startTime, 'startTime').toISOString(),
    ...(closedAt === undefined ? {} : { closedAt: closedAt.toISOString() }),
  };
}

const matches = (run: RunSummary, { runbook, subject, outcome }: RunFilter): boolean =>
  (runbook === undefined || run.runbook === runbook) &&
  (subject === undefined || run.subject === subject) &&
  (outcome === undefined || run.outcome === outcome);
