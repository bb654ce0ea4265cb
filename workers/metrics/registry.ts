import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { GAUGES, type GaugeName, type MetricSource, type Sample } from '../../plan/metrics.ts';
import type { Deliveries } from './deliveries.ts';

/** From a run that finds nothing to do to a drill that takes the night. */
const DURATIONS = [10, 30, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600];

/** Everything of ours that Prometheus gets, as it was seen last. */
export interface Metrics {
  /** Takes the place of all that the source said before. */
  observed(source: MetricSource, samples: readonly Sample[], took: { at: number; seconds: number }): void;
  /** What was seen before stays, with its time. */
  failed(source: MetricSource): void;
  /** One run ended while this worker was there. */
  ended(run: { runbook: string; outcome: string; seconds: number }): void;
  text(): Promise<string>;
}

/** `every`: how often each source is looked at, in seconds; what is not known yet is left out. */
export function createMetrics(version: string, every: Record<MetricSource, number>, deliveries?: Deliveries): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauges = new Map(
    Object.entries(GAUGES).map(([name, { help, labels }]) => [
      name as GaugeName,
      new Gauge({ name, help, labelNames: [...labels], registers }),
    ]),
  );
  const about = { labelNames: ['source'], registers };
  const seenAt = new Gauge({
    ...{ name: 'runbook_observation_timestamp_seconds', ...about },
    help: 'When what the source says was last seen: copies at their targets (backups), runs in Temporal (runs).',
  });
  const duration = new Gauge({
    ...{ name: 'runbook_observation_duration_seconds', ...about },
    help: 'How long the last observation took.',
  });
  const interval = new Gauge({
    ...{ name: 'runbook_observation_interval_seconds', ...about },
    help: 'How often the source is looked at.',
  });
  const failures = new Counter({
    ...{ name: 'runbook_observation_failures_total', ...about },
    help: 'Observations that came to nothing, since the worker began.',
  });
  const runs = new Histogram({
    name: 'runbook_run_duration_seconds',
    help: 'How long runs took that ended since the worker began, with what they waited.',
    labelNames: ['runbook', 'outcome'],
    buckets: DURATIONS,
    registers,
  });
  if (deliveries !== undefined) countDeliveries(registry, deliveries);
  new Gauge({ name: 'runbook_build_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1);
  for (const source of ['backups', 'runs'] as const) {
    interval.set({ source }, every[source]);
    failures.inc({ source }, 0);
  }
  for (const gauge of gauges.values()) clear(gauge);

  return {
    observed: (source, samples, { at, seconds }) => {
      for (const [name, gauge] of gauges) if (GAUGES[name].source === source) clear(gauge);
      for (const { name, labels, value } of samples) gauges.get(name)?.set(labels, value);
      seenAt.set({ source }, at);
      duration.set({ source }, seconds);
    },
    failed: (source) => {
      failures.inc({ source });
    },
    ended: ({ seconds, ...labels }) => {
      runs.observe(labels, seconds);
    },
    text: () => registry.metrics(),
  };
}

/** One without labels is a nought from its birth on, and after a reset: a nought that nobody knows. */
function clear(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}

function countDeliveries(registry: Registry, deliveries: Deliveries): void {
  new Counter({
    name: 'runbook_notifications_total',
    help: 'Messages to people that were sent or not, each attempt, since the worker began.',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { count, ...labels } of deliveries.all()) this.inc(labels, count);
    },
  });
}
