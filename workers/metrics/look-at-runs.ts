import { WorkflowFailedError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import { isRunView } from '../../plan/is-run-view.ts';
import { latestOfEach } from '../../plan/latest-runs.ts';
import { outcomeOf, type EndSeen, type SeenRuns } from '../../plan/run-metrics.ts';
import type { RunView } from '../../plan/run.ts';
import {
  LOCK_QUERY,
  namesOfRun,
  TASK_QUEUE,
  TYPES_OF_NO_RUN,
  VIEW_QUERY,
  type LockView,
} from '../../workflows/messages.ts';

/** Runs: more than these are of a past that no metric is about. */
const AT_MOST = 1000;
/** A run that does not answer must not hold up what is known without it. */
const QUERY_MS = 3000;
const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
/** Ended so, what a run left says whether somebody wanted it. */
const UNWANTED = ['Failed', 'RolledBack'];
const STATUSES: Readonly<Record<string, string>> = {
  COMPLETED: 'Done',
  FAILED: 'Failed',
  CANCELLED: 'Canceled',
  TERMINATED: 'Terminated',
  TIMED_OUT: 'TimedOut',
};

export interface RunEnd {
  runbook: string;
  outcome: string;
  seconds: number;
}

/**
 * Looks at runs and locks through Temporal, which costs no host anything. `ended` is told of each run once that ended after
 * `since`, and of none by a look that came to nothing. Each look reads only what closed runs left that the one before has not.
 * `withinMs`: what is still asked after that fails, as a native connection knows no other way to give up.
 */
export function createRunsLook(
  client: Client,
  { since, withinMs, ended }: { since: number; withinMs: number; ended: (run: RunEnd) => void },
): (signal: AbortSignal) => Promise<SeenRuns> {
  let views = new Map<string, RunView | undefined>();
  let told = new Set<string>();

  const endOf = async (execution: RunExecution): Promise<EndSeen> => {
    const end = endSeen(execution);
    const wanted = UNWANTED.includes(end.outcome) || end.runbook === 'drift';
    if (!wanted) return end;
    if (!views.has(execution.runId)) views.set(execution.runId, await viewLeft(client, execution));
    const view = views.get(execution.runId);
    return { ...end, ...(view && { view }) };
  };

  const look = async (signal: AbortSignal): Promise<SeenRuns> => {
    const runs = await listed(client);
    const closed = runs.filter(({ closeTime }) => closeTime !== undefined);
    const recent = closed.filter(({ closeTime }) => Number(closeTime) >= since);
    const latest = await Promise.all(latestOfEach(closed).map(endOf));
    const news = await inTurn(
      recent.filter(({ runId }) => !told.has(runId)),
      endOf,
    );
    const open = await Promise.all(runs.filter(isRunning).map((execution) => openSeen(client, execution)));
    const locks = await locksOf(client);
    signal.throwIfAborted();
    for (const end of news) ended(runEnd(end));
    told = new Set(recent.map(({ runId }) => runId));
    const known = new Set(closed.map(({ runId }) => runId));
    views = new Map([...views].filter(([runId]) => known.has(runId)));
    return { open, ended: latest, locks };
  };
  return (signal) => client.withDeadline(Date.now() + withinMs, () => look(signal));
}

async function inTurn<In, Out>(all: readonly In[], work: (each: In) => Promise<Out>): Promise<Out[]> {
  const done: Out[] = [];
  for (const each of all) done.push(await work(each));
  return done;
}

function runEnd(end: EndSeen): RunEnd {
  const { runbook, startedAt, closedAt } = end;
  return { runbook, outcome: outcomeOf(end), seconds: (Date.parse(closedAt) - Date.parse(startedAt)) / 1000 };
}

type Execution = WorkflowExecutionInfo;
type RunExecution = Execution & { runbook: string; subject: string; startedAt: string };

const OURS = `TaskQueue = '${TASK_QUEUE}'`;
const RUNS = `${OURS} AND WorkflowType NOT IN (${TYPES_OF_NO_RUN.map((type) => `'${type}'`).join(', ')})`;
const LOCKS = `${OURS} AND WorkflowType = 'resourceLock' AND ExecutionStatus = 'Running'`;

/** Runs alone: neither what serves them, nor plans, of which there may be more. */
async function listed({ workflow }: Client): Promise<RunExecution[]> {
  const found: RunExecution[] = [];
  for await (const execution of workflow.list({ query: RUNS, pageSize: 200 })) {
    if (execution.status.name !== 'CONTINUED_AS_NEW') found.push(...asRun(execution));
    if (found.length >= AT_MOST) break;
  }
  return found;
}

function asRun(execution: Execution): RunExecution[] {
  const names = namesOfRun(execution.workflowId);
  return names === undefined ? [] : [{ ...execution, ...names, startedAt: execution.startTime.toISOString() }];
}

const isRunning = ({ status }: Execution): boolean => status.name === 'RUNNING';

function endSeen({ runbook, subject, startedAt, ...execution }: RunExecution): EndSeen {
  const { status, startTime, closeTime = startTime, typedSearchAttributes } = execution;
  return {
    ...{ runbook, subject, startedAt },
    closedAt: closeTime.toISOString(),
    outcome: typedSearchAttributes.get(OUTCOME) ?? STATUSES[status.name] ?? status.name,
  };
}

async function openSeen(client: Client, execution: RunExecution): Promise<SeenRuns['open'][number]> {
  const view = await ask<RunView>(client, execution, VIEW_QUERY);
  const { runbook, subject, startedAt } = execution;
  return { runbook, subject, startedAt, ...(view && { view }) };
}

async function locksOf(client: Client): Promise<SeenRuns['locks']> {
  const locks: Execution[] = [];
  for await (const lock of client.workflow.list({ query: LOCKS, pageSize: 200 })) locks.push(lock);
  const answers = await Promise.all(locks.map((lock) => ask<LockView>(client, lock, LOCK_QUERY)));
  return answers.flatMap((answer) => {
    if (answer === undefined) return [];
    const { resource, holder, queue } = answer;
    return [{ resource, waiting: queue.length, ...(holder === undefined ? {} : { holder }) }];
  });
}

/** Undefined where no worker answers in time, or one of another version does not know the question. */
async function ask<Answer>(
  client: Client,
  { workflowId, runId }: Execution,
  query: string,
): Promise<Answer | undefined> {
  try {
    const handle = client.workflow.getHandle(workflowId, runId);
    return await client.withDeadline(Date.now() + QUERY_MS, () => handle.query<Answer>(query));
  } catch {
    return undefined;
  }
}

/** The result, or the view that a failure carries. */
async function viewLeft(client: Client, { workflowId, runId }: Execution): Promise<RunView | undefined> {
  try {
    const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
    return asView(await handle.result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const carries = cause instanceof ApplicationFailure || cause instanceof CancelledFailure;
    return carries ? asView(cause.details?.[0]) : undefined;
  }
}

const asView = (value: unknown): RunView | undefined => (isRunView(value) ? value : undefined);
