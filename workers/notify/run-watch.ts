import type { Client } from '@temporalio/client';
import type { DueNotice } from '../../plan/notice.ts';
import {
  isBad,
  isGood,
  noticeOfEnd,
  noticeOfQuestion,
  type EndedRun,
  type SomeRun,
  type Telling,
} from '../../plan/run-notices.ts';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import { ask, outcomeSeen, runsOf, viewLeft, type RunExecution } from '../executions.ts';

/** Older ends are no news. Temporal keeps for at least as long what was told of them. */
const NEWS_MS = 24 * 3_600_000;
/** How far back the end is looked for that a good one makes up for. */
const MEMORY_MS = 8 * NEWS_MS;

export interface RunWatch {
  client: Client;
  taskQueue?: string;
  /** Ends before that are not told, in milliseconds. */
  since: number;
  /** Of a run, in the Web UI. */
  pageOf: (run: { workflowId: string; runId: string }) => string | undefined;
}

/**
 * Looks at runs through Temporal for what is to be told. Each end is read once, and settled when `tell` has taken it. A run that
 * fails holds up no other: such failures come at the end, together.
 */
export function createRunWatch({
  client,
  taskQueue = TASK_QUEUE,
  since,
  pageOf,
}: RunWatch): (telling: Telling, tell: (due: DueNotice) => Promise<void>, signal: AbortSignal) => Promise<void> {
  const settled = new Map<string, number>();

  const someRun = ({ workflowId, runId, runbook, subject, startedAt }: RunExecution): SomeRun => {
    const link = pageOf({ workflowId, runId });
    return { workflowId, runId, runbook, subject, startedAt, ...(link === undefined ? {} : { link }) };
  };
  const ended = async (execution: RunExecution): Promise<EndedRun> => {
    const left = await viewLeft(client, execution);
    const closedAt = (execution.closeTime ?? execution.startTime).toISOString();
    return { ...someRun(execution), closedAt, outcome: outcomeSeen(execution), ...left };
  };
  const noticeOf = async (execution: RunExecution, all: readonly RunExecution[], telling: Telling) => {
    const outcome = outcomeSeen(execution);
    if (isBad(outcome)) return noticeOfEnd(await ended(execution), undefined, telling);
    const before = isGood(outcome) ? previous(execution, all) : undefined;
    if (before === undefined || !isBad(outcomeSeen(before))) return undefined;
    return noticeOfEnd(await ended(execution), await ended(before), telling);
  };

  return async (telling, tell, signal) => {
    const now = Date.now();
    const queue = `TaskQueue = '${taskQueue}'`;
    const running = await runsOf(client, `${queue} AND ExecutionStatus = 'Running'`);
    const oldest = new Date(now - MEMORY_MS).toISOString();
    const closed = await runsOf(client, `${queue} AND CloseTime > '${oldest}'`);
    // Asked at once: one whose worker is gone answers only after seconds.
    const views = await Promise.all(running.map((execution) => ask<RunView>(client, execution, VIEW_QUERY)));
    const questions = running.map((execution, index) => async () => {
      const approval = views[index]?.approval;
      if (approval !== undefined) await tell(noticeOfQuestion(someRun(execution), approval, now, telling));
    });
    const ends = closed.sort(byEnd).map((execution) => async () => {
      const at = Number(execution.closeTime);
      if (at < Math.max(since, now - NEWS_MS) || settled.has(execution.runId)) return;
      const due = await noticeOf(execution, closed, telling);
      signal.throwIfAborted();
      if (due !== undefined) await tell(due);
      settled.set(execution.runId, at);
    });
    for (const [runId, at] of settled) if (at < now - NEWS_MS) settled.delete(runId);
    await eachInTurn([...questions, ...ends], signal);
  };
}

/** What ended first is told first. */
const byEnd = (a: RunExecution, b: RunExecution): number => Number(a.closeTime) - Number(b.closeTime);

async function eachInTurn(tasks: readonly (() => Promise<void>)[], signal: AbortSignal): Promise<void> {
  const errors: unknown[] = [];
  for (const task of tasks) {
    signal.throwIfAborted();
    await task().catch((error: unknown) => errors.push(error));
  }
  signal.throwIfAborted();
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${tasks.length} runs: not told`);
}

/** The run of the same id that began last before it. */
function previous({ workflowId, startedAt }: RunExecution, all: readonly RunExecution[]): RunExecution | undefined {
  const earlier = all.filter((run) => run.workflowId === workflowId && run.startedAt < startedAt);
  return earlier.sort((a, b) => a.startedAt.localeCompare(b.startedAt)).at(-1);
}
