import { describe, expect, it } from '@jest/globals';
import { planReplication, type DatasetFacts, type ReplicationPair } from '../../plan/replication.ts';
import { planRetention, type KeptSnapshotFact } from '../../plan/retention.ts';
import { cpuSeconds } from './cpu-time.ts';

const DATASETS = 1000;
const SNAPSHOTS = 100;
const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 28);
const POLICY = { last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3 };

/** Of the processor. It takes a quarter of a second and half a second on a machine that is busy with four other things. */
const LONGEST_S = 2;

const snapshots = (dataset: number, from: number): KeptSnapshotFact[] =>
  Array.from({ length: SNAPSHOTS }, (_, at) => ({
    name: `snapshot-${from + at}`,
    guid: String(2n ** 63n + BigInt(dataset * 1000 + from + at)),
    createtxg: String(10_000_000 + from + at),
    createdAt: new Date(NOW - (2 * SNAPSHOTS - from - at) * 13 * HOUR_MS).toISOString(),
    ...{ holds: 0, clones: [] },
  }));

const dataset = (name: string, found: KeptSnapshotFact[]): DatasetFacts => ({
  ...{ name, kind: 'filesystem', snapshots: found, bookmarks: [], encrypted: false, keyLoaded: false },
  ...{ usedBytes: 1, writtenBytes: 0 },
});

const all = Array.from({ length: DATASETS }, (_, at) => at);
/** The source has half of what the replica has, and as many more. */
const pairs: ReplicationPair[] = all.map((at) => ({
  source: dataset(`zpool/custom/default_${at}`, snapshots(at, SNAPSHOTS / 2)),
  targetName: `tank/replicas/${at}`,
  target: dataset(`tank/replicas/${at}`, snapshots(at, 0)),
}));

describe('a thousand datasets with a hundred snapshots', () => {
  it('are planned while nobody waits', () => {
    const decided: number[] = [];
    const seconds = cpuSeconds(() => {
      decided.push(...planReplication({ pairs, policy: { encrypted: 'raw' } }).map(({ steps }) => steps.length));
    });
    expect(decided).toEqual(all.map(() => SNAPSHOTS / 2));
    expect(seconds).toBeLessThan(LONGEST_S);
  });

  it('are thinned out while nobody waits, also in a time zone', () => {
    const replicas = all.map((at) => ({ dataset: `tank/replicas/${at}`, snapshots: snapshots(at, 0) }));
    const gone: number[] = [];
    const seconds = cpuSeconds(() => {
      for (const replica of replicas) {
        const common = replica.snapshots.at(-1);
        if (common === undefined) continue;
        const one = { ...replica, pairs: [{ with: 'nuc-1', relation: { type: 'up to date' as const, common } }] };
        const options = { now: new Date(NOW).toISOString(), timeZone: 'Europe/Berlin' };
        gone.push(planRetention(one, POLICY, options).destroy.length);
      }
    });
    expect(new Set(gone).size).toBe(1);
    expect(gone[0]).toBeGreaterThan(SNAPSHOTS / 2);
    expect(seconds).toBeLessThan(LONGEST_S);
  });
});
