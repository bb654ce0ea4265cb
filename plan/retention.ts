import type { Relation, SnapshotFact } from './replication.ts';
import { isSendable } from './replica-relation.ts';
import { CLASSES, clockOf, periodOf, type RetentionClass } from './retention-classes.ts';

/** Which snapshots of a replica may go. One goes only if nothing at all speaks for it. */

/** How many of each are kept: the newest snapshots, and the newest one of each of the newest periods that have one. */
export type RetentionPolicy = Readonly<Record<'last' | RetentionClass, number>>;

export interface KeptSnapshotFact extends SnapshotFact {
  /** ISO 8601; it is that of the source, also on a replica. */
  createdAt: string;
  holds: number;
  /** Datasets that are clones of it. */
  clones: string[];
}

export interface Replica {
  dataset: string;
  snapshots: readonly KeptSnapshotFact[];
  /**
   * How it stands to its source, and as a source to replicas of its own, as seen after the last copy; absent where the other
   * side was not seen. Where one is absent, diverged or has no base, nothing goes: a person may need each of them.
   */
  pairs: readonly { with: string; relation?: Relation }[];
}

export interface RetentionDecision {
  dataset: string;
  /** Oldest first, as are those that go. */
  keep: { snapshot: KeptSnapshotFact; why: string[] }[];
  destroy: SnapshotFact[];
}

type Reasons = ReadonlyMap<string, string[]>;

/**
 * Nothing here depends on how long ago something was: periods are counted back from the newest snapshot, and only those that
 * have one count, so a source that has stopped loses nothing. Now tells only what is dated in the future. Pure.
 */
export function planRetention(
  { dataset, snapshots, pairs }: Replica,
  policy: RetentionPolicy,
  { now, timeZone = 'UTC' }: { now: string; timeZone?: string },
): RetentionDecision {
  const ordered = snapshots
    .map((snapshot) => ({ snapshot, txg: BigInt(snapshot.createtxg) }))
    .sort((a, b) => compare(a.txg, b.txg))
    .map(({ snapshot }) => snapshot);
  const present = (each: KeptSnapshotFact): boolean => Date.parse(each.createdAt) <= Date.parse(now);
  const ours = ordered.filter((each) => isSendable(each.name) && present(each));
  const rules: Reasons[] = [
    wholeReplica(ordered, pairs),
    newest(ordered, ours, policy),
    classes(ours, policy, timeZone),
  ];
  const judged = ordered.map((snapshot) => ({
    snapshot,
    why: [
      ...rules.flatMap((reasons) => reasons.get(snapshot.guid) ?? []),
      ...basesOf(snapshot, pairs),
      ...ownReasons(snapshot, present(snapshot)),
    ],
  }));
  return {
    dataset,
    keep: judged.filter(({ why }) => why.length > 0),
    destroy: judged
      .filter(({ why }) => why.length === 0)
      .map(({ snapshot: { name, guid, createtxg } }) => ({ name, guid, createtxg })),
  };
}

const compare = <T extends bigint | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whatever cannot be seen to be well is left alone as a whole. */
function wholeReplica(ordered: readonly KeptSnapshotFact[], pairs: Replica['pairs']): Reasons {
  const why = pairs.length === 0 ? ['nobody knows what it is a copy of'] : pairs.flatMap(whyAll);
  return new Map(why.length === 0 ? [] : ordered.map(({ guid }) => [guid, why]));
}

function whyAll({ with: other, relation }: Replica['pairs'][number]): string[] {
  if (relation === undefined) return [`${other} was not seen`];
  if (relation.type === 'up to date' || relation.type === 'incremental') return [];
  return [`${other} and this one have to be brought together first (${relation.type})`];
}

function basesOf({ guid }: SnapshotFact, pairs: Replica['pairs']): string[] {
  return pairs.filter(({ relation }) => baseOf(relation)?.guid === guid).map(({ with: other }) => `base of ${other}`);
}

function baseOf(relation: Relation | undefined): SnapshotFact | undefined {
  if (relation?.type === 'up to date') return relation.common;
  return relation?.type === 'incremental' ? relation.base : undefined;
}

function ownReasons({ name, createdAt, holds, clones }: KeptSnapshotFact, isPresent: boolean): string[] {
  return [
    ...(isSendable(name) ? [] : ['not runbook’s']),
    ...(isPresent ? [] : [Number.isNaN(Date.parse(createdAt)) ? 'of an unknown date' : 'dated in the future']),
    ...(holds > 0 ? ['held'] : []),
    ...clones.map((clone) => `cloned: ${clone}`),
  ];
}

/** The newest of all, whoever made it and whatever its date is, and the newest ones of ours. */
function newest(
  ordered: readonly KeptSnapshotFact[],
  ours: readonly KeptSnapshotFact[],
  { last }: RetentionPolicy,
): Reasons {
  const reasons = new Map(ours.slice(ours.length - Math.min(last, ours.length)).map(({ guid }) => [guid, ['last']]));
  for (const each of [ordered.at(-1), ours.at(-1)]) if (each !== undefined) reasons.set(each.guid, ['the newest']);
  return reasons;
}

/** By their dates and not by their order: after a clock that went wrong, only dates say which periods are the newest. */
function classes(ours: readonly KeptSnapshotFact[], policy: RetentionPolicy, timeZone: string): Reasons {
  const localTime = clockOf(timeZone);
  const dated = ours
    .map(({ guid, createdAt }, order) => ({ guid, order, at: Date.parse(createdAt) }))
    .sort((a, b) => compare(b.at, a.at) || compare(b.order, a.order))
    .map(({ guid, at }) => ({ guid, time: localTime(at) }));
  const reasons = new Map<string, string[]>();
  for (const name of CLASSES) {
    const seen = new Set<string>();
    for (const { guid, time } of dated) {
      if (seen.size >= policy[name]) break;
      const period = periodOf(name, time);
      if (seen.has(period)) continue;
      seen.add(period);
      reasons.set(guid, [...(reasons.get(guid) ?? []), `${name}: ${period}`]);
    }
  }
  return reasons;
}
