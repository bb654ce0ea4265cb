import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { backupSamples, type MeasuredBackups } from '../../plan/backup-metrics.ts';
import type { MetricSource, Sample } from '../../plan/metrics.ts';
import { runSamples } from '../../plan/run-metrics.ts';
import { findFreePort, LOOPBACK } from '../ports.ts';
import { keepLooking } from '../keep-looking.ts';
import type { Deliveries } from './deliveries.ts';
import { createRunsLook } from './look-at-runs.ts';
import { createMetrics } from './registry.ts';
import { openServer } from './server.ts';

/** Looks over ssh at every target, now and then: copies change once a night. */
const BACKUPS = { everyMs: 15 * 60_000, patienceMs: 4 * 60_000 };
/** Asks Temporal alone. */
const RUNS = { everyMs: 30_000, patienceMs: 25_000 };
/** Less than Prometheus waits. */
const SDK_MS = 2000;

export interface MetricsSettings {
  /** `127.0.0.1:9464` */
  address: string;
  logger: Logger;
  version: string;
  measureBackups: (signal: AbortSignal) => Promise<MeasuredBackups>;
  /** Of messages to people. */
  deliveries?: Deliveries;
}

/** What serves metrics. Who asks gets what was seen last: no question of Prometheus reaches a host. */
export interface Exporter {
  /** Where Temporal's SDK is to serve its own, which are handed on from there. */
  sdkAddress: string;
  /** Begins to look. */
  begin(client: Client): void;
  /** Idempotent; resolves when nothing looks any more. */
  close(): Promise<void>;
}

/** Opens the port; until `begin` it tells only of itself. Throws StartError `busy`. */
export async function openExporter(settings: MetricsSettings): Promise<Exporter> {
  const { address, logger, version, measureBackups, deliveries } = settings;
  const every = { backups: BACKUPS.everyMs / 1000, runs: RUNS.everyMs / 1000 };
  const metrics = createMetrics(version, every, deliveries);
  const sdkAddress = `${LOOPBACK}:${await findFreePort()}`;
  const server = await openServer(address, async () => (await metrics.text()) + (await ofSdk(sdkAddress)));
  const stop = new AbortController();
  const looks: Promise<void>[] = [];

  const look = (
    source: MetricSource,
    samples: (signal: AbortSignal) => Promise<Sample[]>,
    times: { everyMs: number; patienceMs: number },
  ): void => {
    const observe = async (signal: AbortSignal): Promise<void> => {
      const began = Date.now();
      const seen = await samples(signal);
      if (signal.aborted) return;
      metrics.observed(source, seen, { at: Date.now() / 1000, seconds: (Date.now() - began) / 1000 });
    };
    const failed = (error: unknown): void => {
      metrics.failed(source);
      logger.warn({ error, source }, 'metrics: not observed');
    };
    looks.push(keepLooking(observe, failed, { ...times, signal: stop.signal }));
  };

  return {
    sdkAddress,
    begin: (client) => {
      const runs = createRunsLook(client, {
        since: Date.now(),
        withinMs: RUNS.patienceMs,
        ended: (run) => {
          metrics.ended(run);
        },
      });
      look('runs', async (signal) => runSamples(await runs(signal)), RUNS);
      look('backups', async (signal) => backupSamples(await measureBackups(signal)), BACKUPS);
    },
    close: async () => {
      stop.abort();
      server.close();
      server.closeAllConnections();
      await Promise.all(looks);
    },
  };
}

/** Empty where the SDK serves none: ours are told all the same. */
async function ofSdk(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SDK_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
