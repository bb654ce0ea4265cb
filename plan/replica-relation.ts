import type { DatasetFacts, Relation, SnapshotFact } from './replication.ts';
import { isRunName } from './run-name.ts';

/** How a replica stands to its source. Names decide nothing but what is sent: identity is the GUID, order the txg. */

/**
 * Whether runbook or Incus made it, and for good: Incus's temporaries (`copy-…`, `migration-…`, `backup-…`, `temp_ro-…`,
 * `deleted-…`) are gone again before the next run, and those of others are theirs.
 */
export const isSendable = (name: string): boolean => /^snapshot-./.test(name) || isRunName(name);

const txg = ({ createtxg }: SnapshotFact): bigint => BigInt(createtxg);

const newestOf = (snapshots: readonly SnapshotFact[]): SnapshotFact | undefined =>
  snapshots.reduce<SnapshotFact | undefined>(
    (newest, each) => (newest === undefined || txg(each) > txg(newest) ? each : newest),
    undefined,
  );

/** Those of a side that it has taken later. */
export const after = (snapshots: readonly SnapshotFact[], than: SnapshotFact): SnapshotFact[] => {
  const bound = txg(than);
  return snapshots.filter((each) => txg(each) > bound);
};

/** What of a source is sent after this snapshot or bookmark of its own, oldest first; all of it without one. */
export const newerOnes = (source: DatasetFacts, than: SnapshotFact | undefined): SnapshotFact[] =>
  (than === undefined ? source.snapshots : after(source.snapshots, than))
    .filter(({ name }) => isSendable(name))
    .sort((a, b) => (txg(a) < txg(b) ? -1 : 1));

/** A snapshot where there is one, else a bookmark. */
export function findOnSender(
  { snapshots, bookmarks }: DatasetFacts,
  guid: string,
): (SnapshotFact & { from: 'snapshot' | 'bookmark' }) | undefined {
  const same = (each: SnapshotFact): boolean => each.guid === guid;
  const snapshot = snapshots.find(same);
  if (snapshot !== undefined) return { ...snapshot, from: 'snapshot' };
  const bookmark = bookmarks.find(same);
  return bookmark && { ...bookmark, from: 'bookmark' };
}

/**
 * The newest of the receiver's that the sender has as well, also as a bookmark; as the receiver calls it. Where the sender
 * was not seen, the newest that can only have been sent.
 */
export function newestCommon(source: DatasetFacts | undefined, target: DatasetFacts): SnapshotFact | undefined {
  if (source === undefined) return newestOf(target.snapshots.filter(({ name }) => isSendable(name)));
  const known = new Set([...source.snapshots, ...source.bookmarks].map(({ guid }) => guid));
  return newestOf(target.snapshots.filter(({ guid }) => known.has(guid)));
}

/** Pure. */
export function relationOf(source: DatasetFacts, target: DatasetFacts | undefined): Relation {
  if (target === undefined) return { type: 'initial' };
  const newest = newestOf(target.snapshots);
  if (newest === undefined)
    // With a token it is a first copy that was cut off.
    return target.resumeToken === undefined
      ? { type: 'diverged', senderOnly: [...source.snapshots], receiverOnly: [] }
      : { type: 'initial' };
  const base = findOnSender(source, newest.guid);
  if (base !== undefined)
    return newerOnes(source, base).length === 0
      ? { type: 'up to date', common: newest }
      : { type: 'incremental', base };
  const common = newestCommon(source, target);
  if (common === undefined) return { type: 'no base', receiverNewest: newest };
  const there = findOnSender(source, common.guid) ?? common;
  return {
    type: 'diverged',
    common,
    senderOnly: after(source.snapshots, there),
    receiverOnly: after(target.snapshots, common),
  };
}
