import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { IllegalStateError } from '@temporalio/common';
import { Runtime, Worker, type WorkerOptions as SdkOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { keepShellsReady } from '../hosts/shells.ts';
import { TASK_QUEUE } from '../workflows/messages.ts';
import { awaitPolling, hasPolled } from './await-polling.ts';
import { deploymentOf } from './build.ts';
import { describeEncryption } from './codec/describe.ts';
import { findCodecKeys } from './codec/keys.ts';
import { connectWorker, orRefused } from './connection.ts';
import { dataConverterFor } from './data-converter.ts';
import type { Environment } from './environment.ts';
import { temporalLogger } from './logging.ts';
import type { Exporter, MetricsSettings } from './metrics/exporter.ts';
import { watchForNotices, type WatchSettings } from './notify/watch.ts';
import { ensureSearchAttributes } from './search-attributes.ts';
import { StartError } from './start-error.ts';
import { findWorkflowBundle } from './workflow-bundle.ts';

export interface WorkerSettings {
  /** What workflows may ask for, by name. */
  activities: object;
  logger: Logger;
  /** Default `process.env`: `TEMPORAL_ADDRESS` and the like. */
  env?: Environment;
  /** A development server, instead of what the environment says. */
  devAddress?: string;
  /** Default {@link TASK_QUEUE}. */
  taskQueue?: string;
  /** Where Prometheus may ask, and how the copies are measured that it is told of. Default: nowhere. */
  metrics?: Pick<MetricsSettings, 'address' | 'measureBackups' | 'deliveries'>;
  /** How it is found what people want to be told of. Default: nobody is told. */
  notices?: WatchSettings;
  /** Default: the one that was built with the program. */
  workflowBundle?: { codePath: string };
  /** Of runbook, for histories. */
  version?: string;
}

export interface RunningWorker {
  /** `runbook@edge-1`, as the Web UI shows it. */
  identity: string;
  address: string;
  namespace: string;
  taskQueue: string;
  /** The id of the key that encrypts what Temporal is given; undefined: it is given in the clear. */
  encryptedBy: string | undefined;
  /** Resolves when the worker has stopped and its connection is closed; rejects if it failed. */
  stopped: Promise<void>;
  /** Takes no more work, lets activities end, and resolves with `stopped`. Idempotent. */
  stop(): Promise<void>;
}

/**
 * A cancelled run reaches its activity within a second of the next beat instead of after 8 s; a stopped worker lets
 * short activities end for 10 s and then tells the long ones, whose jobs go on without it.
 */
const MANNERS = {
  maxHeartbeatThrottleInterval: '1s',
  shutdownGraceTime: '10s',
  shutdownForceTime: '30s',
} satisfies Partial<SdkOptions>;

/** A look at a machine is some five commands at once. */
const SHELLS_READY = 5;

/**
 * Starts a worker and resolves when it polls. Throws StartError: `unreachable`, `refused`, `busy` (the metrics' port),
 * `broken`. Signals are the caller's affair: {@link onStopSignal}. End the process's Runtime after the last worker.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { activities, env = process.env, taskQueue = TASK_QUEUE, logger } = settings;
  const keys = orRefused(() => findCodecKeys(env));
  const workflowBundle = settings.workflowBundle ?? findWorkflowBundle({ encoded: keys !== undefined });
  const dataConverter = dataConverterFor(keys);
  const encryptedBy = keys?.keys[0].id;
  logger.info({ encryptedBy }, describeEncryption(encryptedBy));
  const exporter = await openMetrics(settings);
  installRuntime({ logger, ...(exporter && { metrics: exporter.sdkAddress }) });
  const { connection, namespace, address } = await connectWorker(env, settings.devAddress).catch(
    async (error: unknown) => {
      await exporter?.close();
      throw error;
    },
  );
  const identity = `runbook@${hostname()}`;
  keepShellsReady(SHELLS_READY);
  try {
    await ensureSearchAttributes(connection, namespace);
    const workerDeploymentOptions = await deploymentOf(workflowBundle, settings.version);
    const place = { connection, namespace, identity, taskQueue, workerDeploymentOptions };
    const worker = await Worker.create({ ...place, activities, workflowBundle, dataConverter, ...MANNERS });
    let endWatch: (() => Promise<void>) | undefined;
    const stopped = worker.run().finally(async () => {
      keepShellsReady(0);
      await endWatch?.();
      await exporter?.close();
      return connection.close();
    });
    // Whoever awaits `stopped` or `stop` learns of it; nobody else has to.
    stopped.catch(() => undefined);
    const stop = () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      return stopped;
    };
    const poller = { namespace, taskQueue, identity };
    await Promise.race([awaitPolling(connection, poller), stopped]);
    const client = new Client({ connection, namespace, dataConverter });
    exporter?.begin(client);
    const works = async (): Promise<boolean> => worker.getState() === 'RUNNING' && hasPolled(connection, poller);
    if (settings.notices !== undefined && worker.getState() === 'RUNNING')
      endWatch = watchForNotices(settings.notices, {
        ...{ client, namespace, taskQueue, logger, works },
        ...{ discreet: keys !== undefined, uiAddress: env['RUNBOOK_UI'] },
      });
    return { identity, address, namespace, taskQueue, encryptedBy, stopped, stop };
  } catch (error) {
    keepShellsReady(0);
    await exporter?.close();
    await connection.close();
    throw error;
  }
}

/** Loaded only where somebody asks for it: a worker without has more memory. */
async function openMetrics({ metrics, logger, version = '' }: WorkerSettings): Promise<Exporter | undefined> {
  if (metrics === undefined) return undefined;
  const { openExporter } = await import('./metrics/exporter.ts');
  return openExporter({ ...metrics, logger, version });
}

/**
 * Before anything else of the SDK; the first in a process decides. It must not take the signals: the order of
 * stopping is ours.
 */
export function installRuntime({ logger, metrics }: Pick<WorkerSettings, 'logger'> & { metrics?: string }): void {
  try {
    Runtime.install({
      logger: temporalLogger(logger),
      shutdownSignals: [],
      telemetryOptions: {
        logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
        ...(metrics === undefined ? {} : { metrics: { prometheus: { bindAddress: metrics } } }),
      },
    });
  } catch (error) {
    if (error instanceof IllegalStateError) return;
    if (metrics === undefined) throw error;
    const whatToDo = 'Expected an address like 127.0.0.1:9464 whose port is free.';
    throw new StartError('busy', `Metrics can't be served at ${metrics}.`, whatToDo, error);
  }
}
