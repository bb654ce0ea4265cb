/** A worker, alone or with a development server, until a signal ends it. */
import { activitiesOver, createDeps } from '../activities/index.ts';
import { measureBackups } from '../activities/list-backups.ts';
import { Runtime } from '@temporalio/worker';
import { mkdirSync } from 'node:fs';
import type { Environment } from './environment.ts';
import { createLogger, type LogOptions } from './logging.ts';
import { runDev, type DevEvent } from './dev.ts';
import { makePrivate } from './private-folder.ts';
import { StartError } from './start-error.ts';
import { createDeliveries } from './metrics/deliveries.ts';
import { onStopSignal } from './stop-signals.ts';
import { startWorker, type RunningWorker, type WorkerSettings } from './worker.ts';

export interface RunOptions {
  /** The worker's clone of the monorepo. */
  repo: string;
  /** Jobs, ssh sockets, the development server's data. Made if missing, and made private: {@link makePrivate}. */
  stateDir: string;
  env: Environment;
  log: LogOptions;
  /** `127.0.0.1:9464`: where Prometheus may ask. */
  metrics?: string;
  /** Of runbook. */
  version: string;
}

export type WorkerEvent =
  | { type: 'polls'; worker: Pick<RunningWorker, 'identity' | 'address' | 'namespace' | 'taskQueue' | 'encryptedBy'> }
  | { type: 'stopping' };

/**
 * Runs a worker until SIGINT, SIGTERM or SIGHUP; a second signal ends the process at once.
 * Throws StartError: what kept it from starting, and the remedy.
 */
export const runWorker = (options: RunOptions & { report: (event: WorkerEvent) => void }): Promise<void> =>
  withActivities(options, async (settings, signal) => {
    const worker = await startWorker({ ...settings, env: options.env });
    options.report({ type: 'polls', worker });
    signal.addEventListener('abort', () => {
      options.report({ type: 'stopping' });
      void worker.stop().catch(() => undefined);
    });
    await worker.stopped.finally(() => Runtime.instance().shutdown());
  });

/** Runs development server, Web UI and worker until a signal, as {@link runWorker}. Data are kept in `stateDir`. */
export const runDevelopment = (
  options: RunOptions & { port?: number; report: (event: DevEvent) => void },
): Promise<void> =>
  withActivities(options, (settings, signal) => {
    const { port, report, stateDir, env } = options;
    return runDev({ ...settings, env, stateDir, report, signal, ...(port !== undefined && { port }) });
  });

async function withActivities(
  { repo, stateDir, env, log, metrics, version }: RunOptions,
  work: (
    settings: Pick<WorkerSettings, 'activities' | 'logger' | 'metrics' | 'notices'> & { version: string },
    signal: AbortSignal,
  ) => Promise<void>,
): Promise<void> {
  makeFolder(stateDir);
  await makePrivate(stateDir, env);
  const logger = createLogger(log);
  const { deps, close } = createDeps({ repo, stateDir, logger });
  const deliveries = createDeliveries();
  const measure = (signal: AbortSignal): ReturnType<typeof measureBackups> => measureBackups(deps, signal);
  const notices = {
    ...{ stateDir, fleet: async () => deps.fleetAt(await deps.head()) },
    lookAtCopies: async (signal: AbortSignal) => (await measure(signal)).view,
  };
  const stop = new AbortController();
  const giveBack = onStopSignal(() => {
    stop.abort();
  });
  try {
    const asked = metrics === undefined ? {} : { metrics: { address: metrics, measureBackups: measure, deliveries } };
    const activities = activitiesOver({ ...deps, delivered: deliveries.add });
    await work({ activities, logger, version, notices, ...asked }, stop.signal);
  } finally {
    giveBack();
    await close();
  }
}

/** Node.js tells of a read-only file system as ENOENT, and of a file in the place as EEXIST. */
function makeFolder(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError(
      'refused',
      `The state folder ${stateDir} cannot be made.`,
      'RUNBOOK_STATE names another.',
      error,
    );
  }
}
