/** Runs as Temporal lists them, for what looks at them again and again. */
import { ServiceError, WorkflowFailedError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, defineSearchAttributeKey } from '@temporalio/common';
import { isRunView } from '../plan/is-run-view.ts';
import type { RunView } from '../plan/run.ts';
import { namesOfRun, TYPES_OF_NO_RUN } from '../workflows/messages.ts';

/** More than these are of a past that nobody asks about. */
const AT_MOST = 1000;
/** A run that does not answer must not hold up what is known without it. */
const QUERY_MS = 3000;
const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
const STATUSES: Readonly<Record<string, string>> = {
  COMPLETED: 'Done',
  FAILED: 'Failed',
  CANCELLED: 'Canceled',
  TERMINATED: 'Terminated',
  TIMED_OUT: 'TimedOut',
};

export type Execution = WorkflowExecutionInfo;
export type RunExecution = Execution & { runbook: string; subject: string; startedAt: string };

const NO_RUNS = TYPES_OF_NO_RUN.map((type) => `'${type}'`).join(', ');

/** The newest that the query of visibility finds; one that was continued goes on as another. */
export async function executionsOf(client: Client, query: string): Promise<Execution[]> {
  return newestOf(client, query, (execution) => [execution]);
}

/** Runs alone: neither what serves them, nor plans, of which there may be more. */
export async function runsOf(client: Client, query: string): Promise<RunExecution[]> {
  return newestOf(client, `${query} AND WorkflowType NOT IN (${NO_RUNS})`, (execution) => {
    const names = namesOfRun(execution.workflowId);
    return names === undefined ? [] : [{ ...execution, ...names, startedAt: execution.startTime.toISOString() }];
  });
}

async function newestOf<Found>(
  { workflow }: Client,
  query: string,
  read: (execution: Execution) => Found[],
): Promise<Found[]> {
  const found: Found[] = [];
  for await (const execution of workflow.list({ query, pageSize: 200 })) {
    if (execution.status.name !== 'CONTINUED_AS_NEW') found.push(...read(execution));
    if (found.length >= AT_MOST) break;
  }
  return found;
}

export const isRunning = ({ status }: Execution): boolean => status.name === 'RUNNING';

/** Of the run, or how Temporal says that it ended. */
export const outcomeSeen = ({ status, typedSearchAttributes }: Execution): string =>
  typedSearchAttributes.get(OUTCOME) ?? STATUSES[status.name] ?? status.name;

/** Undefined where no worker answers in time, or one of another version does not know the question. */
export async function ask<Answer>(
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

/** What a run left, as far as this reader can tell. */
export interface Left {
  view?: RunView;
  /** Whether it left anything is not known: another key, another version, or Temporal keeps it no longer. */
  isUnread?: true;
}

/** The result, or the view that a failure carries. Throws only where Temporal does not answer. */
export async function viewLeft(client: Client, { workflowId, runId }: Execution): Promise<Left> {
  try {
    const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
    return asLeft(await handle.result());
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    // The codec's own error comes bare: a failure is decoded before that of the workflow is made of it.
    if (!(error instanceof WorkflowFailedError)) return { isUnread: true };
    const { cause } = error;
    const carries = cause instanceof ApplicationFailure || cause instanceof CancelledFailure;
    return carries ? asLeft(cause.details?.[0]) : {};
  }
}

const asLeft = (value: unknown): Left => {
  if (isRunView(value)) return { view: value };
  return value === undefined ? {} : { isUnread: true };
};
