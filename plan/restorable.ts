/** What there is to restore from, as it was seen where it is. Plain data. */

export interface RestorableCopy {
  /** `edge-data`, `work/edge-data`, `/srv/data of edge-vm` */
  of: string;
  /** `source`: the volume itself, on its member. */
  kind: 'source' | 'replica' | 'restic';
  /** `nuc-1 tank/replicas`, `restic rest:https://backup.lan/edge` */
  place: string;
  /** In ZFS after `@`; of restic its short id. */
  snapshot: string;
  /** ISO 8601. */
  at: string;
}

export interface RestorableView {
  /** By what they are of, the newest first. */
  copies: RestorableCopy[];
  silent: { place: string; problem: string }[];
}

/** Pure. Copies of one volume only, where it is named: `edge-data`, `work/edge-data`. */
export function restorable(
  copies: readonly RestorableCopy[],
  silent: RestorableView['silent'],
  volume: string | undefined,
): RestorableView {
  const wanted = copies.filter(({ of }) => volume === undefined || of === volume);
  const order = (a: RestorableCopy, b: RestorableCopy): number =>
    compare(a.of, b.of) || -compare(a.at, b.at) || compare(a.place, b.place);
  return { copies: wanted.toSorted(order), silent };
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
