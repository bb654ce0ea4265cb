import { Client, type HistoryAndWorkflowId } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type proto from '@temporalio/proto';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { TASK_QUEUE } from '../workflows/messages.ts';
import { findCodecKeys } from './codec/keys.ts';
import { createPayloadCodec, findCannotDecrypt } from './codec/payload-codec.ts';
import { connectWorker, orRefused } from './connection.ts';
import { dataConverterFor } from './data-converter.ts';
import { nativeWords } from './native-words.ts';
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
  const found: Replayed[] = [];
  const readable = async function* (): AsyncGenerator<HistoryAndWorkflowId> {
    for await (const run of openRuns(connection, namespace)) {
      const problem = await unreadable(createPayloadCodec(keys), run);
      if (problem === undefined) yield run;
      else found.push({ workflowId: run.workflowId, problem });
    }
  };
  try {
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, readable()))
      found.push({ workflowId, ...(error && { problem: nativeWords(error.message) ?? error.message }) });
    return found;
  } finally {
    await connection.close();
  }
}

/** Why its input cannot be decrypted here. Replaying would not tell of a run that no worker has begun yet. */
async function unreadable(codec: PayloadCodec, { history }: HistoryAndWorkflowId): Promise<string | undefined> {
  const { events } = history as proto.temporal.api.history.v1.IHistory;
  try {
    await codec.decode(events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? []);
    return undefined;
  } catch (error) {
    const unread = findCannotDecrypt(error);
    if (unread === undefined) throw error;
    return unread.message;
  }
}

/** Runs that are open, and locks, which outlive an upgrade as well. */
async function* openRuns(connection: NativeConnection, namespace: string): AsyncGenerator<HistoryAndWorkflowId> {
  const { workflow } = new Client({ connection, namespace });
  const query = `TaskQueue = '${TASK_QUEUE}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of workflow.list({ query }))
    yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() };
}
