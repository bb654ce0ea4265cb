import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSendable } from '../../plan/replica-relation.ts';
import type { Relation } from '../../plan/replication.ts';
import { planRetention, type KeptSnapshotFact, type Replica, type RetentionPolicy } from '../../plan/retention.ts';
import { cpuSeconds } from './cpu-time.ts';

const CASES = 10_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2026, 10, 28, 6);

/** Clocks jump: most are made hours or days after the one before, some days or years beside it. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }).map((hours) => hours * HOUR_MS) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 400 }).map((days) => days * DAY_MS) },
  { weight: 1, arbitrary: fc.integer({ min: -900, max: 900 }).map((days) => days * DAY_MS) },
);

const rarely = <T>(value: T, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: fc.constant(value) });

const snapshot = fc.record({
  step,
  name: rarely('by-hand-', 'snapshot-'),
  holds: rarely(1, 0),
  clones: rarely(['tank/c'], []),
});

const snapshots: fc.Arbitrary<KeptSnapshotFact[]> = fc
  .tuple(fc.integer({ min: -900, max: 100 }), fc.array(snapshot, { maxLength: 20, size: 'max' }))
  .map(([first, all]) => {
    let at = NOW + first * DAY_MS;
    return all.map(({ step: ms, name, ...each }, order) => {
      at += ms;
      return {
        ...each,
        name: `${name}${order}`,
        guid: String(2n ** 63n + BigInt(order)),
        createtxg: String(order * 3 + 5),
        createdAt: new Date(at).toISOString(),
      };
    });
  });

const count = fc.nat(4);
const policy: fc.Arbitrary<RetentionPolicy> = fc.record({
  ...{ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count },
});

const pairs = (found: readonly KeptSnapshotFact[]): fc.Arbitrary<Replica['pairs']> => {
  const newest = found.at(-1);
  if (newest === undefined) return fc.constant([{ with: 'nuc-1', relation: { type: 'initial' } }]);
  const any = fc.constantFrom(...found);
  const other: fc.Arbitrary<Relation | undefined> = fc.oneof(
    {
      weight: 8,
      arbitrary: any.map((base): Relation => ({ type: 'incremental', base: { ...base, from: 'snapshot' } })),
    },
    { weight: 1, arbitrary: any.map((receiverNewest): Relation => ({ type: 'no base', receiverNewest })) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  const own = { with: 'nuc-1', relation: { type: 'up to date', common: newest } as Relation };
  return fc
    .array(other, { maxLength: 2 })
    .map((others) => [
      own,
      ...others.map((relation, at) => ({ with: `nuc-${at + 2}`, ...(relation === undefined ? {} : { relation }) })),
    ]);
};

const world = snapshots.chain((found) => fc.record({ found: fc.constant(found), pairs: pairs(found), policy }));

/** The definition, told otherwise than the code tells it: of each snapshot, over all of them. */
const PERIODS: Record<Exclude<keyof RetentionPolicy, 'last'>, (at: number) => number> = {
  hourly: (at) => Math.floor(at / HOUR_MS),
  daily: (at) => Math.floor(at / DAY_MS),
  // 5 January 1970 was a Monday.
  weekly: (at) => Math.floor((at - 4 * DAY_MS) / (7 * DAY_MS)),
  monthly: (at) => new Date(at).getUTCFullYear() * 12 + new Date(at).getUTCMonth(),
  yearly: (at) => new Date(at).getUTCFullYear(),
};

const time = ({ createdAt }: KeptSnapshotFact): number => Date.parse(createdAt);

/** Of ours that are not dated in the future, in the order in which they were made. */
interface Dated {
  guid: string;
  at: number;
}

function isNeeded(
  each: KeptSnapshotFact,
  ours: readonly Dated[],
  newest: string | undefined,
  of: RetentionPolicy,
): boolean {
  const order = ours.findIndex(({ guid }) => guid === each.guid);
  const own = ours[order];
  if (own === undefined || each.holds > 0 || each.clones.length > 0) return true;
  if (each.guid === newest || order >= ours.length - Math.max(1, of.last)) return true;
  const later = ours.filter(({ at }, other) => at > own.at || (at === own.at && other > order));
  return Object.entries(PERIODS).some(([name, period]) => {
    const laterPeriods = new Set(later.map(({ at }) => period(at)));
    return !laterPeriods.has(period(own.at)) && laterPeriods.size < of[name as keyof typeof PERIODS];
  });
}

function check({
  found,
  pairs: sides,
  policy: wanted,
}: {
  found: KeptSnapshotFact[];
  pairs: Replica['pairs'];
  policy: RetentionPolicy;
}): number {
  const now = new Date(NOW).toISOString();
  const replica = { dataset: 'tank/replicas/data', snapshots: found, pairs: sides };
  const { keep, destroy } = planRetention(replica, wanted, { now });
  // Each is either kept, with its reasons, or goes.
  expect(keep.every(({ why }) => why.length > 0)).toBe(true);
  expect(keep.length + destroy.length).toBe(found.length);

  const bases = new Set<string>();
  let isWell = true;
  for (const { relation } of sides) {
    if (relation?.type === 'up to date') bases.add(relation.common.guid);
    else if (relation?.type === 'incremental') bases.add(relation.base.guid);
    else isWell = false;
  }
  const ours = found
    .filter((each) => isSendable(each.name) && time(each) <= NOW)
    .map((each) => ({ guid: each.guid, at: time(each) }));
  const needed = found.filter(
    (each) => !isWell || bases.has(each.guid) || isNeeded(each, ours, found.at(-1)?.guid, wanted),
  );
  expect(keep.map(({ snapshot: { guid } }) => guid).join()).toBe(needed.map(({ guid }) => guid).join());

  // Done again, it finds nothing more; and time alone takes nothing.
  const left = { ...replica, snapshots: keep.map((one) => one.snapshot) };
  expect(planRetention(left, wanted, { now }).destroy.length).toBe(0);
  if (found.every((each) => time(each) <= NOW))
    expect(names(planRetention(replica, wanted, { now: '2199-01-01T00:00:00Z' }).destroy)).toBe(names(destroy));
  return destroy.length;
}

const names = (of: readonly { name: string }[]): string => of.map(({ name }) => name).join();

describe('of any replica', () => {
  it('nothing goes that a rule of any kind needs, and all else does', () => {
    let gone = 0;
    const seconds = cpuSeconds(() => {
      fc.assert(
        fc.property(world, (each) => {
          gone += check(each);
        }),
        { numRuns: CASES },
      );
    });
    expect(gone).toBeGreaterThan(CASES / 2);
    expect(seconds).toBeLessThan(20);
  }, 120_000);
});
