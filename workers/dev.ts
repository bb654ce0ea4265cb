import { Runtime } from '@temporalio/worker';
import type { BinaryEvent } from './binaries/events.ts';
import { startDevServer, type DevServer } from './dev-server.ts';
import { StartError } from './start-error.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { startWorker, type RunningWorker, type WorkerSettings } from './worker.ts';

export type DevEvent =
  | { type: 'binary'; event: BinaryEvent }
  | { type: 'waits for a server to end'; folder: string }
  | { type: 'server ready'; address: string; uiAddress: string; folder: string }
  | { type: 'worker polls'; identity: string; taskQueue: string; encryptedBy: string | undefined }
  | { type: 'stopping' };

export interface DevSettings extends Omit<WorkerSettings, 'devAddress'> {
  /** The server keeps its data here. */
  stateDir: string;
  port?: number;
  report: (event: DevEvent) => void;
  signal?: AbortSignal;
}

/** A development server and a worker of it, in this process. */
export interface Dev {
  server: DevServer;
  worker: RunningWorker;
  /** Resolves when either has ended by itself; rejects if the worker failed. */
  ended: Promise<void>;
  /** Worker, connection, server, Runtime: in this order, or the SDK throws or hangs. Idempotent. */
  stop(): Promise<void>;
}

/** Starts server, Web UI and worker. Throws StartError as {@link startDevServer} and {@link startWorker} do, BinaryNotFound. */
export async function startDev(settings: DevSettings): Promise<Dev> {
  const { report, env, port, signal, stateDir } = settings;
  const { path } = await findTemporalCli({
    report: (event) => {
      report({ type: 'binary', event });
    },
    ...(env && { env }),
    ...(signal && { signal }),
  });
  const server = await startDevServer({
    executable: path,
    folder: stateDir,
    onWait: () => {
      report({ type: 'waits for a server to end', folder: stateDir });
    },
    ...(port !== undefined && { port }),
    ...(signal && { signal }),
  });
  report({ type: 'server ready', address: server.address, uiAddress: server.uiAddress, folder: stateDir });
  try {
    const worker = await startWorker({ ...settings, devAddress: server.address });
    const { identity, taskQueue, encryptedBy } = worker;
    report({ type: 'worker polls', identity, taskQueue, encryptedBy });
    const stop = once(async () => {
      report({ type: 'stopping' });
      await worker.stop().finally(() => server.stop());
      await Runtime.instance().shutdown();
    });
    return { server, worker, ended: Promise.race([worker.stopped, server.exited]), stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Runs both until `signal`, then stops them in order. Throws StartError `broken` where the server ended by itself. */
export async function runDev(settings: DevSettings & { signal: AbortSignal }): Promise<void> {
  const dev = await startDev(settings);
  const { signal } = settings;
  try {
    await Promise.race([dev.ended, aborted(signal)]);
  } finally {
    await dev.stop();
  }
  if (!signal.aborted)
    throw new StartError(
      'broken',
      'The development server ended by itself.',
      `All it said is in ${dev.server.logFile}.`,
    );
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
