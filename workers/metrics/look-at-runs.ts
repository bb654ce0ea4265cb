import type { Client } from '@temporalio/client';
import { latestOfEach } from '../../plan/latest-runs.ts';
import { outcomeOf, type EndSeen, type SeenRuns } from '../../plan/run-metrics.ts';
import type { RunView } from '../../plan/run.ts';
import { LOCK_QUERY, TASK_QUEUE, VIEW_QUERY, type LockView } from '../../workflows/messages.ts';
import { ask, executionsOf, isRunning, outcomeSeen, runsOf, viewLeft, type RunExecution } from '../executions.ts';

/** Ended so, what a run left says whether somebody wanted it. */
const UNWANTED = ['Failed', 'RolledBack'];
const LOCKS = `TaskQueue = '${TASK_QUEUE}' AND WorkflowType = 'resourceLock' AND ExecutionStatus = 'Running'`;

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
    if (!views.has(execution.runId)) views.set(execution.runId, (await viewLeft(client, execution)).view);
    const view = views.get(execution.runId);
    return { ...end, ...(view && { view }) };
  };

  const look = async (signal: AbortSignal): Promise<SeenRuns> => {
    const runs = await runsOf(client, `TaskQueue = '${TASK_QUEUE}'`);
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

function endSeen(execution: RunExecution): EndSeen {
  const { runbook, subject, startedAt, startTime, closeTime = startTime } = execution;
  return { runbook, subject, startedAt, closedAt: closeTime.toISOString(), outcome: outcomeSeen(execution) };
}

async function openSeen(client: Client, execution: RunExecution): Promise<SeenRuns['open'][number]> {
  const view = await ask<RunView>(client, execution, VIEW_QUERY);
  const { runbook, subject, startedAt } = execution;
  return { runbook, subject, startedAt, ...(view && { view }) };
}

async function locksOf(client: Client): Promise<SeenRuns['locks']> {
  const locks = await executionsOf(client, LOCKS);
  const answers = await Promise.all(locks.map((lock) => ask<LockView>(client, lock, LOCK_QUERY)));
  return answers.flatMap((answer) => {
    if (answer === undefined) return [];
    const { resource, holder, queue } = answer;
    return [{ resource, waiting: queue.length, ...(holder === undefined ? {} : { holder }) }];
  });
}
