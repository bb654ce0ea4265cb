import { Client, type HistoryAndWorkflowId } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { TASK_QUEUE } from '../workflows/messages.ts';
import { findCodecKeys } from './codec/keys.ts';
import { connectWorker, orRefused } from './connection.ts';
import { dataConverterFor } from './data-converter.ts';
import { installRuntime, type WorkerSettings } from './worker.ts';
import { findWorkflowBundle } from './workflow-bundle.ts';

/** What came of replaying an open run, or a lock, with the workflows of this build. */
export interface Replayed {
  workflowId: string;
  /** Why it would not go on with this build. */
  problem?: string;
}

/**
 * Replays every open run with the workflows of this build, before a worker of it takes work. Changes nothing. Throws StartError as
 * starting a worker does.
 */
export async function checkOpenRuns({
  env = process.env,
  ...settings
}: Pick<WorkerSettings, 'env' | 'logger' | 'workflowBundle'>): Promise<Replayed[]> {
  const keys = orRefused(() => findCodecKeys(env));
  const workflowBundle = settings.workflowBundle ?? findWorkflowBundle();
  const dataConverter = dataConverterFor(keys);
  installRuntime(settings);
  const { connection, namespace } = await connectWorker(env);
  try {
    const found: Replayed[] = [];
    const histories = openRuns(connection, namespace);
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, histories))
      found.push({ workflowId, ...(error === undefined ? {} : { problem: error.message }) });
    return found;
  } finally {
    await connection.close();
  }
}

/** Runs that are open, and locks, which outlive an upgrade as well. */
async function* openRuns(connection: NativeConnection, namespace: string): AsyncGenerator<HistoryAndWorkflowId> {
  const { workflow } = new Client({ connection, namespace });
  const query = `TaskQueue = '${TASK_QUEUE}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of workflow.list({ query }))
    yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() };
}
