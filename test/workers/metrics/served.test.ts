import { afterEach, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sample } from '../../../plan/metrics.ts';
import { keepLooking } from '../../../workers/keep-looking.ts';
import { createMetrics } from '../../../workers/metrics/registry.ts';
import { openServer } from '../../../workers/metrics/server.ts';

const created = () => createMetrics('0.1.0', { backups: 900, runs: 30 });
const took = { at: 1_795_845_600, seconds: 2 };

describe('what Prometheus is told', () => {
  it('only what is known: a worker that has seen nothing yet tells of itself', async () => {
    const values = (await created().text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(values).toEqual([
      'runbook_observation_interval_seconds{source="backups"} 900',
      'runbook_observation_interval_seconds{source="runs"} 30',
      'runbook_observation_failures_total{source="backups"} 0',
      'runbook_observation_failures_total{source="runs"} 0',
      'runbook_build_info{version="0.1.0"} 1',
    ]);
  });

  it('with help and type, and with labels that cannot break a line', async () => {
    const metrics = created();
    const labels = { repository: 'rest:a"b\\c\nd' };
    metrics.observed('backups', [sample('runbook_backup_upkeep_overdue', labels, 0)], took);
    const text = await metrics.text();
    expect(text).toContain('# HELP runbook_backup_upkeep_overdue What a restic repository needs');
    expect(text).toContain('# TYPE runbook_backup_upkeep_overdue gauge\n');
    expect(text).toContain('runbook_backup_upkeep_overdue{repository="rest:a\\"b\\\\c\\nd"} 0\n');
  });

  it('what is not seen any more is gone, also of a metric without labels, and nothing of the other source', async () => {
    const metrics = created();
    const lock = sample('runbook_lock_waiting', { resource: 'r' }, 1);
    metrics.observed('runs', [lock], took);
    metrics.observed('backups', [sample('runbook_backup_problems', {}, 3)], took);
    expect(await metrics.text()).toContain('\nrunbook_backup_problems 3\n');
    metrics.observed('backups', [], { at: took.at + 900, seconds: 1 });
    const text = await metrics.text();
    expect(text).not.toMatch(/^runbook_backup_problems /m);
    expect(text).toContain('runbook_lock_waiting{resource="r"} 1\n');
    expect(text).toContain('runbook_observation_timestamp_seconds{source="backups"} 1795846500\n');
  });

  it('a look that failed leaves what was seen, with its time, and is counted', async () => {
    const metrics = created();
    metrics.observed('backups', [sample('runbook_backup_problems', {}, 3)], took);
    metrics.failed('backups');
    const text = await metrics.text();
    expect(text).toContain('\nrunbook_backup_problems 3\n');
    expect(text).toContain('runbook_observation_timestamp_seconds{source="backups"} 1795845600\n');
    expect(text).toContain('runbook_observation_failures_total{source="backups"} 1\n');
  });

  it('runs that ended, by how long they took', async () => {
    const metrics = created();
    metrics.ended({ runbook: 'drift', outcome: 'Done', seconds: 45 });
    const text = await metrics.text();
    expect(text).toContain('runbook_run_duration_seconds_bucket{le="60",runbook="drift",outcome="Done"} 1');
    expect(text).toContain('runbook_run_duration_seconds_count{runbook="drift",outcome="Done"} 1');
  });
});

describe('where it is served', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
  });
  const open = async (text: () => Promise<string>): Promise<string> => {
    server = await openServer('127.0.0.1:0', text);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('at /metrics, to who reads, in the format that Prometheus knows', async () => {
    const base = await open(() => Promise.resolve('a 1\n'));
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).toMatch('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('a 1\n');
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('says where it cannot be, and what was expected', async () => {
    const base = new URL(await open(() => Promise.resolve('')));
    await expect(openServer(base.host, () => Promise.resolve(''))).rejects.toThrow(
      `Metrics can't be served at ${base.host}.`,
    );
  });
});

describe('looking again and again', () => {
  it('gives up what takes too long, tells why, looks again, and ends when it is told to', async () => {
    const stop = new AbortController();
    const failures: unknown[] = [];
    let looks = 0;
    const look = (): Promise<void> => {
      looks += 1;
      if (looks === 3) stop.abort();
      return looks === 1 ? new Promise(() => undefined) : Promise.reject(new Error('no answer'));
    };
    await keepLooking(look, (error) => failures.push(error), { everyMs: 1, patienceMs: 20, signal: stop.signal });
    expect(looks).toBe(3);
    expect(failures.map(String)).toEqual([expect.stringContaining('TimeoutError'), 'Error: no answer']);
  });
});
