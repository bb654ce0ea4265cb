import { describe, expect, it } from '@jest/globals';
import { judgeCopy, worstOf, type CopyOutcome } from '../../plan/copy-age.ts';
import { newestCommon, relationOf } from '../../plan/replica-relation.ts';
import { planReplication, type ReplicationDecision } from '../../plan/replication.ts';
import { planRetention } from '../../plan/retention.ts';
import { problemOf } from '../../plan/problem.ts';
import { execute, ModelHost, moveCursor } from './zfs-model.ts';

/**
 * A month in Berlin: Incus's own snapshot at 00:30 of each night, when it is yesterday in UTC, a run at 02:30, and Incus lets each snapshot of the
 * source expire after a week. In the night of 25 October the clocks go back, so 02:30 comes twice, and so does the run.
 */
const SOURCE = 'zpool/custom/default_data';
const TARGET = 'tank/replicas/data';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST = Date.UTC(2026, 9, 10);
const NIGHTS = 30;
const BACK = Date.UTC(2026, 9, 25);
const POLICY = { last: 2, hourly: 0, daily: 7, weekly: 4, monthly: 2, yearly: 1 };

/** Longer than the source keeps anything, and once more near the end. */
const FAR_IS_OFF = new Set([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 27]);

const iso = (at: number): string => new Date(at).toISOString();
const stamp = (at: number): string => iso(at).slice(0, 16).replaceAll(/[-:]/g, '').replace('T', '-');

interface Place {
  id: 'near' | 'far';
  host: ModelHost;
}

interface Month {
  places: Place[];
  sender: ModelHost;
  /** Of each run and place. */
  outcomes: Record<Place['id'], CopyOutcome[]>;
  decisions: Record<Place['id'], ReplicationDecision[]>;
}

function run(month: Month, now: number, night: number): void {
  const { sender } = month;
  sender.snapshot(SOURCE, `snapshot-runbook-${stamp(now)}-3f9c`, now);
  for (const { id, host } of month.places) {
    const isOff = id === 'far' && FAR_IS_OFF.has(night);
    if (!isOff) copyAndPrune(month, { id, host }, now + HOUR_MS / 2);
    month.outcomes[id].push(outcomeAt(sender, host, now + HOUR_MS, isOff));
  }
}

function copyAndPrune({ sender, decisions }: Month, { id, host }: Place, now: number): void {
  const [source, target] = [sender.facts(SOURCE), host.facts(TARGET)];
  if (source === undefined) throw new Error('The source is always there.');
  const pair = { source, targetName: TARGET, ...(target === undefined ? {} : { target }) };
  const [decision] = planReplication({ pairs: [pair], policy: { encrypted: 'raw' } });
  if (decision === undefined) throw new Error('There is one decision for each pair.');
  execute(sender, host, decision);
  decisions[id].push(decision);
  moveCursor({ sender, source: SOURCE }, { receiver: host, target: TARGET, id });

  const snapshots = host.dataset(TARGET).snapshots.map(({ txg, at, ...each }) => ({
    ...{ ...each, createtxg: String(txg), createdAt: iso(at), holds: 0, clones: [] },
  }));
  const relation = relationOf(sender.facts(SOURCE) ?? source, host.facts(TARGET));
  const { destroy } = planRetention({ dataset: TARGET, snapshots, pairs: [{ with: 'nuc-1', relation }] }, POLICY, {
    ...{ now: iso(now), timeZone: 'Europe/Berlin' },
  });
  for (const { guid } of destroy) host.destroy(TARGET, guid);
}

function outcomeAt(sender: ModelHost, host: ModelHost, now: number, isOff: boolean): CopyOutcome {
  const [source, target] = [sender.facts(SOURCE), host.facts(TARGET)];
  const common = source && target && newestCommon(source, target);
  const found = host.datasets.get(TARGET)?.snapshots.find(({ guid }) => guid === common?.guid);
  const newest = found === undefined ? ({ type: 'none' } as const) : ({ type: 'copy', at: iso(found.at) } as const);
  const of = { of: 'data', place: 'there' };
  return judgeCopy(
    isOff ? { ...of, newest: { type: 'unseen' }, problem: problemOf('Unreachable', 'off') } : { ...of, newest },
    {
      ...{ now: iso(now), maxAgeMs: 26 * HOUR_MS },
    },
  ).outcome;
}

function expire(sender: ModelHost, now: number): void {
  for (const { guid, at } of [...sender.dataset(SOURCE).snapshots])
    if (now - at > 7 * DAY_MS) sender.destroy(SOURCE, guid);
}

function live(): Month {
  const places: Place[] = [
    { id: 'near', host: new ModelHost(50) },
    { id: 'far', host: new ModelHost(9_000_000) },
  ];
  const month: Month = {
    ...{ places, sender: new ModelHost(1000), outcomes: { near: [], far: [] }, decisions: { near: [], far: [] } },
  };
  month.sender.create(SOURCE);
  for (let night = 0; night < NIGHTS; night += 1) {
    const midnight = FIRST + night * DAY_MS;
    const offset = midnight > BACK ? HOUR_MS : 2 * HOUR_MS;
    month.sender.snapshot(SOURCE, `snapshot-auto-${night}`, midnight + 0.5 * HOUR_MS - offset);
    run(month, midnight + 2.5 * HOUR_MS - offset, night);
    if (midnight === BACK) run(month, midnight + 1.5 * HOUR_MS, night);
    expire(month.sender, midnight + 12 * HOUR_MS);
  }
  return month;
}

describe('a month of nights', () => {
  const month = live();
  const times = (place: number): string[] =>
    month.places[place]?.host.dataset(TARGET).snapshots.map(({ at }) => iso(at).slice(0, 16)) ?? [];

  it('leaves what the policy says', () => {
    expect(times(0)).toEqual([
      // The newest of its week; that of 25 October is the second of its night.
      '2026-10-18T00:30',
      '2026-10-25T01:30',
      // The newest of October.
      '2026-10-31T01:30',
      // The newest of its week, and one for each of seven days, of which the last is one of the newest two.
      ...[1, 2, 3, 4, 5, 6, 7].map((day) => `2026-11-0${day}T01:30`),
      '2026-11-07T23:30',
      '2026-11-08T01:30',
    ]);
  });

  it('leaves the same where a place was off, but for what the source did not have any more when it was back', () => {
    expect(times(1)).toEqual(['2026-10-14T00:30', ...times(0).slice(1)]);
  });

  it('goes on from the bookmark after that, with all that the source still has', () => {
    const back = month.decisions.far.find(({ steps }) => steps[0]?.from?.kind === 'bookmark');
    // Two of each of eight days, and the night that had two runs.
    expect(back?.steps.length).toBe(17);
    expect(month.decisions.far.flatMap(({ problem }) => problem ?? [])).toEqual([]);
  });

  it('tells each night how old the copies are', () => {
    expect(worstOf(month.outcomes.near.map((outcome) => ({ outcome })))).toBe('fresh');
    const off = month.outcomes.far.flatMap((outcome, at) => (outcome === 'fresh' ? [] : [[at, outcome]]));
    // The 16th night has two runs, so all after it are one later.
    expect(off).toEqual(
      [...FAR_IS_OFF].flatMap((night) =>
        night < 15
          ? [[night, 'failed']]
          : night === 15
            ? [
                [15, 'failed'],
                [16, 'failed'],
              ]
            : [[night + 1, 'failed']],
      ),
    );
  });

  it('leaves one bookmark for each place at the source, and no snapshot older than a week', () => {
    const { bookmarks, snapshots } = month.sender.dataset(SOURCE);
    expect(bookmarks.map(({ name }) => name.split('-')[1]).sort()).toEqual(['far', 'near']);
    expect(snapshots.length).toBe(14);
  });
});
