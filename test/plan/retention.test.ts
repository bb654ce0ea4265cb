import { describe, expect, it } from '@jest/globals';
import { planRetention, type KeptSnapshotFact, type Replica, type RetentionPolicy } from '../../plan/retention.ts';

const NONE: RetentionPolicy = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const NOW = '2026-11-28T06:00:00Z';

/** Named by its time, and made in the order of the list. */
function snapshots(...times: (string | (Partial<KeptSnapshotFact> & { createdAt: string }))[]): KeptSnapshotFact[] {
  return times.map((time, at) => {
    const each = typeof time === 'string' ? { createdAt: time } : time;
    return {
      name: `snapshot-${each.createdAt}`,
      guid: `${at + 1}`,
      createtxg: `${(at + 1) * 10}`,
      holds: 0,
      clones: [],
      ...each,
    };
  });
}

/** Of a healthy pair, whose base is the newest. */
const replica = (found: KeptSnapshotFact[], overrides: Partial<Replica> = {}): Replica => ({
  dataset: 'tank/replicas/data',
  snapshots: found,
  pairs: [{ with: 'nuc-1', relation: { type: 'up to date', common: found.at(-1) ?? fact(0) } }],
  ...overrides,
});

const fact = (at: number): { name: string; guid: string; createtxg: string } => ({
  name: `snapshot-${at}`,
  guid: `${at}`,
  createtxg: `${at * 10}`,
});

const kept = (
  of: Replica,
  policy: Partial<RetentionPolicy>,
  options: { now?: string; timeZone?: string } = {},
): [string, string[]][] =>
  planRetention(of, { ...NONE, ...policy }, { now: NOW, ...options }).keep.map(({ snapshot, why }) => [
    snapshot.createdAt,
    why,
  ]);

const gone = (...args: Parameters<typeof planRetention>): string[] =>
  planRetention(...args).destroy.map(({ name }) => name);

describe('what is kept by the calendar', () => {
  const days = snapshots(
    ...['2025-12-31T23:00:00Z', '2026-10-31T12:00:00Z', '2026-11-01T12:00:00Z', '2026-11-21T12:00:00Z'],
    ...['2026-11-22T12:00:00Z', '2026-11-23T01:00:00Z', '2026-11-23T02:00:00Z', '2026-11-23T02:30:00Z'],
  );

  it.each<[string, Partial<RetentionPolicy>, string[]]>([
    ['nothing is asked for', {}, ['2026-11-23T02:30:00Z']],
    ['the last', { last: 3 }, ['2026-11-23T01:00:00Z', '2026-11-23T02:00:00Z', '2026-11-23T02:30:00Z']],
    ['hours', { hourly: 2 }, ['2026-11-23T01:00:00Z', '2026-11-23T02:30:00Z']],
    ['days', { daily: 2 }, ['2026-11-22T12:00:00Z', '2026-11-23T02:30:00Z']],
    ['weeks, which begin on Mondays', { weekly: 2 }, ['2026-11-22T12:00:00Z', '2026-11-23T02:30:00Z']],
    ['months', { monthly: 2 }, ['2026-10-31T12:00:00Z', '2026-11-23T02:30:00Z']],
    ['years', { yearly: 2 }, ['2025-12-31T23:00:00Z', '2026-11-23T02:30:00Z']],
    ['more years than there are', { yearly: 9 }, ['2025-12-31T23:00:00Z', '2026-11-23T02:30:00Z']],
    [
      'all of them at once',
      { last: 1, daily: 1, weekly: 2, yearly: 2 },
      ['2025-12-31T23:00:00Z', '2026-11-22T12:00:00Z', '2026-11-23T02:30:00Z'],
    ],
  ])('%s', (_, policy, times) => {
    expect(kept(replica(days), policy).map(([time]) => time)).toEqual(times);
  });

  it('in the days of a time zone', () => {
    const two = snapshots('2026-11-22T22:30:00Z', '2026-11-22T23:30:00Z', '2026-11-23T10:00:00Z');
    expect(kept(replica(two), { daily: 9 }).map(([time]) => time.slice(8, 16))).toEqual(['22T23:30', '23T10:00']);
    expect(kept(replica(two), { daily: 9 }, { timeZone: 'Europe/Berlin' }).map(([time]) => time.slice(8, 16))).toEqual([
      '22T22:30',
      '23T10:00',
    ]);
  });

  it('an hour that the clocks show twice as two', () => {
    const night = snapshots('2026-10-25T00:15:00Z', '2026-10-25T01:15:00Z', '2026-10-25T02:15:00Z');
    const found = kept(replica(night), { hourly: 3 }, { timeZone: 'Europe/Berlin' });
    expect(found.map(([, why]) => why[why.length === 1 ? 0 : 1])).toEqual([
      'hourly: 2026-10-25T02h (+2)',
      'hourly: 2026-10-25T02h (+1)',
      'hourly: 2026-10-25T03h (+1)',
    ]);
  });

  it('in a zone whose clocks are apart by half an hour', () => {
    const day = snapshots('2026-11-22T18:29:00Z', '2026-11-22T18:30:00Z');
    expect(kept(replica(day), { daily: 2 }, { timeZone: 'Asia/Kolkata' })).toHaveLength(2);
  });
});

describe('what is kept whatever the policy says', () => {
  const old = '2020-01-01T00:00:00Z';
  const day = '2026-11-23T00:00:00Z';

  it.each<[string, Partial<KeptSnapshotFact>, string]>([
    ['what is held', { holds: 1 }, 'held'],
    ['what was cloned', { clones: ['tank/tries/data'] }, 'cloned: tank/tries/data'],
    ['what runbook has not made', { name: 'before-the-change' }, 'not runbook’s'],
    ['what has no date', { createdAt: 'unknown' }, 'of an unknown date'],
  ])('%s', (_, overrides, reason) => {
    const found = snapshots({ createdAt: old, ...overrides }, old, day);
    expect(kept(replica(found), {})).toEqual([
      [overrides.createdAt ?? old, [reason]],
      [day, ['the newest', 'base of nuc-1']],
    ]);
  });

  it('what is dated in the future, and it takes the place of nothing', () => {
    const found = snapshots(old, '2099-01-01T00:00:00Z', '2026-11-22T00:00:00Z', day);
    expect(kept(replica(found), { daily: 2 })).toEqual([
      ['2099-01-01T00:00:00Z', ['dated in the future']],
      ['2026-11-22T00:00:00Z', ['daily: 2026-11-22']],
      [day, ['the newest', 'daily: 2026-11-23', 'base of nuc-1']],
    ]);
  });

  it('the newest of all and the newest of ours, by their order and not by their dates', () => {
    const found = snapshots(day, '2026-11-01T00:00:00Z', { createdAt: old, name: 'by-hand' });
    expect(kept(replica(found), {}).map(([time, why]) => [time, why[0]])).toEqual([
      ['2026-11-01T00:00:00Z', 'the newest'],
      [old, 'the newest'],
    ]);
  });

  it('the base of every pair, also of one that is behind', () => {
    const found = snapshots(old, '2020-01-02T00:00:00Z', '2020-01-03T00:00:00Z', day);
    const pairs: Replica['pairs'] = [
      { with: 'nuc-1', relation: { type: 'up to date', common: fact(4) } },
      { with: 'nuc-3', relation: { type: 'incremental', base: { ...fact(2), from: 'snapshot' } } },
    ];
    expect(kept(replica(found, { pairs }), {})).toEqual([
      ['2020-01-02T00:00:00Z', ['base of nuc-3']],
      [day, ['the newest', 'base of nuc-1']],
    ]);
  });

  it.each<[string, Replica['pairs'], string]>([
    ['of a source that was not seen', [{ with: 'nuc-1' }], 'nuc-1 was not seen'],
    ['of no known source', [], 'nobody knows what it is a copy of'],
    [
      'that is diverged',
      [{ with: 'nuc-1', relation: { type: 'diverged', common: fact(1), senderOnly: [], receiverOnly: [] } }],
      'nuc-1 and this one have to be brought together first (diverged)',
    ],
    [
      'without a base',
      [
        { with: 'nuc-2', relation: { type: 'up to date', common: fact(3) } },
        { with: 'nuc-1', relation: { type: 'no base', receiverNewest: fact(3) } },
      ],
      'nuc-1 and this one have to be brought together first (no base)',
    ],
  ])('all of a replica %s', (_, pairs, reason) => {
    const found = kept(replica(snapshots(old, old, day), { pairs }), {});
    expect(found).toHaveLength(3);
    expect(found.every(([, why]) => why.includes(reason))).toBe(true);
  });

  it('all that a source had when it stopped, years later too', () => {
    const found = snapshots('2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z', day);
    const soon = kept(replica(found), { daily: 2 }, { now: '2026-11-23T01:00:00Z' });
    expect(soon).toHaveLength(2);
    expect(kept(replica(found), { daily: 2 }, { now: '2036-01-01T00:00:00Z' })).toEqual(soon);
  });
});

it('gives the names of what goes, oldest first', () => {
  const found = snapshots('2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z').reverse();
  const of = replica(found, { pairs: [{ with: 'nuc-1', relation: { type: 'up to date', common: fact(3) } }] });
  expect(gone(of, NONE, { now: NOW })).toEqual(['snapshot-2026-11-21T00:00:00Z', 'snapshot-2026-11-22T00:00:00Z']);
});

it('of nothing keeps nothing', () => {
  expect(planRetention(replica([]), NONE, { now: NOW })).toEqual({
    ...{ dataset: 'tank/replicas/data', keep: [], destroy: [] },
  });
});
