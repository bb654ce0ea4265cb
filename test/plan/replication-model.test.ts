import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planReplication, type ReplicationDecision } from '../../plan/replication.ts';
import { isSendable, relationOf } from '../../plan/replica-relation.ts';
import { planRetention } from '../../plan/retention.ts';
import { cpuSeconds } from './cpu-time.ts';
import { execute, ModelHost, moveCursor } from './zfs-model.ts';

/** Random histories of a source and its replica, in which all goes wrong that can; then one plan, done by the model. */

const SOURCE = 'zpool/custom/default_data';
const TARGET = 'tank/replicas/data';
const CASES = 10_000;
const DAY_MS = 86_400_000;

type Way = 'raw' | 'plain';

interface World {
  /** As the fleet file says it at the moment. */
  way: Way;
  sender: ModelHost;
  receiver: ModelHost;
  now: number;
  taken: number;
}

const NAMES = {
  incus: (n: number) => `snapshot-s${n}`,
  runbook: (n: number) => `snapshot-runbook-20261123-0214-${n.toString(16).padStart(4, '0')}`,
  temporary: (n: number) => `copy-3f9c0000-0000-0000-0000-${n}`,
  byHand: (n: number) => `before-the-change-${n}`,
};

type Event =
  | { type: 'snapshot'; made: keyof typeof NAMES }
  | { type: 'clock'; days: number }
  | { type: 'destroy' | 'rollback' | 'destroy there' | 'rollback there'; at: number }
  | { type: 'send'; complete: number; intermediates?: number; commits: boolean }
  | { type: 'prune' | 'write there' | 'snapshot there' | 'lose replica' | 'key' | 'way' };

const at = fc.nat(5);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('snapshot' as const), made: fc.constantFrom(...keysOf(NAMES)) }),
  },
  {
    weight: 8,
    arbitrary: fc.record(
      {
        ...{ type: fc.constant('send' as const), complete: fc.nat(6), commits: fc.boolean() },
        intermediates: fc.nat(2),
      },
      { requiredKeys: ['type', 'complete', 'commits'] },
    ),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('destroy' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('clock' as const), days: fc.integer({ min: -400, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('prune' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('rollback', 'destroy there', 'rollback there'), at }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('write there', 'snapshot there', 'lose replica', 'key') }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('way' as const) }) },
);

/** Most begin as most replicas do, so that what goes wrong later has something to go wrong with. */
const BEGINNINGS: Event[][] = [
  [],
  [{ type: 'snapshot', made: 'incus' }],
  [
    { type: 'snapshot', made: 'incus' },
    { type: 'send', complete: 0, commits: false },
  ],
  [
    { type: 'snapshot', made: 'incus' },
    { type: 'send', complete: 6, commits: true },
    { type: 'snapshot', made: 'runbook' },
  ],
];

const history = fc.record({
  ...{ encrypted: fc.boolean(), way: fc.constantFrom('raw' as const, 'plain' as const) },
  events: fc
    .tuple(fc.constantFrom(...BEGINNINGS), fc.array(event, { maxLength: 12, size: 'max' }))
    .map(([first, then]) => [...first, ...then]),
});

function keysOf<T extends object>(of: T): (keyof T)[] {
  return Object.keys(of) as (keyof T)[];
}

function plan({ sender, receiver, way: encrypted }: World, intermediates?: number): ReplicationDecision {
  const target = receiver.facts(TARGET);
  const source = sender.facts(SOURCE);
  if (source === undefined) throw new Error('The source is always there.');
  const pair = { source, targetName: TARGET, ...(target === undefined ? {} : { target }) };
  const policy = { encrypted, ...(intermediates === undefined ? {} : { intermediates }) };
  const [decision] = planReplication({ pairs: [pair], policy });
  if (decision === undefined) throw new Error('There is one decision for each pair.');
  return decision;
}

const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % Math.max(1, from.length)];

function happen(world: World, one: Event): void {
  const { sender, receiver } = world;
  const source = sender.dataset(SOURCE);
  const replica = receiver.datasets.get(TARGET);
  const chosen = (from: typeof source | undefined): string | undefined =>
    'at' in one ? pick(from?.snapshots ?? [], one.at)?.guid : undefined;
  world.taken += 1;
  switch (one.type) {
    case 'snapshot':
      sender.snapshot(SOURCE, NAMES[one.made](world.taken), (world.now += 3_600_000));
      break;
    case 'clock':
      world.now += one.days * DAY_MS;
      break;
    case 'destroy': {
      const guid = chosen(source);
      if (guid !== undefined) sender.destroy(SOURCE, guid);
      break;
    }
    case 'rollback': {
      const guid = chosen(source);
      if (guid !== undefined) sender.rollback(SOURCE, guid);
      break;
    }
    case 'destroy there': {
      const guid = chosen(replica);
      if (guid !== undefined) receiver.destroy(TARGET, guid);
      break;
    }
    case 'rollback there': {
      const guid = chosen(replica);
      if (guid !== undefined) receiver.rollback(TARGET, guid);
      break;
    }
    case 'send':
      execute(sender, receiver, plan(world, one.intermediates), one.complete);
      if (one.commits) moveCursor({ sender, source: SOURCE }, { receiver, target: TARGET });
      break;
    case 'prune':
      prune(world);
      break;
    case 'write there':
      if (replica !== undefined && replica.snapshots.length > 0) replica.written += 1;
      break;
    case 'snapshot there':
      if (replica !== undefined && replica.partial === undefined)
        receiver.snapshot(TARGET, `snapshot-there-${world.taken}`, world.now);
      break;
    case 'lose replica':
      receiver.datasets.delete(TARGET);
      break;
    case 'way':
      world.way = world.way === 'raw' ? 'plain' : 'raw';
      break;
    case 'key':
      source.keyLoaded = source.encrypted && !source.keyLoaded;
      break;
  }
}

const POLICY = { last: 1, hourly: 0, daily: 1, weekly: 0, monthly: 0, yearly: 1 };

/** As a run does: from what was seen last. What the next copy needs is there afterwards as it was before. */
function prune({ sender, receiver, now }: World): void {
  const [source, target] = [sender.facts(SOURCE), receiver.facts(TARGET)];
  const found = receiver.datasets.get(TARGET);
  if (source === undefined || target === undefined || found === undefined) return;
  const before = relationOf(source, target);
  const snapshots = found.snapshots.map(({ txg, at: madeAt, ...each }) => ({
    ...{ ...each, createtxg: String(txg), createdAt: new Date(madeAt).toISOString(), holds: 0, clones: [] },
  }));
  const { destroy } = planRetention(
    { dataset: TARGET, snapshots, pairs: [{ with: SOURCE, relation: before }] },
    POLICY,
    {
      now: new Date(now).toISOString(),
    },
  );
  for (const { guid } of destroy) receiver.destroy(TARGET, guid);
  expect(relationOf(source, receiver.facts(TARGET))).toEqual(before);
}

function live({ encrypted, events, way }: { encrypted: boolean; events: Event[]; way: Way }): World {
  const world: World = {
    ...{ sender: new ModelHost(1_000_000), receiver: new ModelHost(10), way },
    ...{ now: Date.UTC(2026, 10, 23), taken: 0 },
  };
  world.sender.create(SOURCE, { encrypted });
  for (const one of events) happen(world, one);
  return world;
}

const state = ({ receiver }: World): string => JSON.stringify(receiver.datasets.get(TARGET) ?? null);

/** What no plan of ours may hide behind a problem: written from the facts alone. */
function mustWork({ sender, receiver, way }: World): boolean {
  const source = sender.dataset(SOURCE);
  const replica = receiver.datasets.get(TARGET);
  const newest = replica?.snapshots.at(-1);
  const isRaw = newest === undefined ? way === 'raw' : replica?.raw === true;
  if (source.encrypted && !isRaw && (way === 'raw' || !source.keyLoaded)) return false;
  const isOwn = replica === undefined || replica.partial !== undefined;
  if (newest === undefined) return isOwn && source.snapshots.some(({ name }) => isSendable(name));
  const isKnown = [...source.snapshots, ...source.bookmarks].some(({ guid }) => guid === newest.guid);
  return isKnown && replica?.written === 0;
}

const count = (seen: Map<string, number>, word: string): void => {
  seen.set(word, (seen.get(word) ?? 0) + 1);
};

function check(world: World, seen: Map<string, number>): void {
  const before = state(world);
  const decision = plan(world);
  execute(world.sender, world.receiver, decision);
  count(seen, decision.problem?.type ?? decision.relation.type);
  if (decision.problem !== undefined) {
    expect(state(world)).toBe(before);
    expect(mustWork(world)).toBe(false);
    return;
  }
  if (decision.abortPartial) count(seen, 'aborted');
  if (decision.steps[0]?.resume !== undefined) count(seen, 'resumed');
  if (decision.steps[0]?.from?.kind === 'bookmark') count(seen, 'from a bookmark');
  const newest = world.sender.dataset(SOURCE).snapshots.findLast(({ name }) => isSendable(name));
  const there = world.receiver.dataset(TARGET).snapshots.at(-1);
  if (decision.steps.length > 0) expect(there?.guid).toBe(newest?.guid);
  else expect(newest === undefined || newest.txg <= txgAtSource(world, there?.guid)).toBe(true);
  expect(plan(world)).toMatchObject({ relation: { type: 'up to date' }, steps: [], abortPartial: false });
}

/** That the histories are worth something: each of these is reached, and often. */
const REACHED = [
  ...[
    'initial',
    'incremental',
    'up to date',
    'Diverged',
    'NoBase',
    'ReplicaModified',
    'KeyNotLoaded',
    'SendModeChanged',
  ],
  ...['NothingToSend', 'resumed', 'aborted', 'from a bookmark'],
];

describe('after any history', () => {
  it('the steps are ones that ZFS takes, and bring the newest; what cannot be is named, and nothing touches it', () => {
    const seen = new Map<string, number>();
    const seconds = cpuSeconds(() => {
      fc.assert(
        fc.property(history, (lived) => {
          check(live(lived), seen);
        }),
        { numRuns: CASES },
      );
    });
    expect(REACHED.filter((word) => (seen.get(word) ?? 0) < CASES / 500)).toEqual([]);
    expect(seconds).toBeLessThan(20);
  }, 120_000);
});

function txgAtSource({ sender }: World, guid: string | undefined): number {
  const { snapshots, bookmarks } = sender.dataset(SOURCE);
  return [...snapshots, ...bookmarks].find((each) => each.guid === guid)?.txg ?? -1;
}
