import type { Problem } from './problem.ts';
import { inProject } from './projects.ts';
import { SHOWN_AT, type ResticSourceScope } from './restic.ts';

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
  /** So much a restore of it brings; absent where that is not written down with it. */
  bytes?: number;
}

export interface RestorableView {
  /** By what they are of, the newest first. */
  copies: RestorableCopy[];
  silent: { place: string; problem: Problem }[];
  /** All that copies are of, whatever was asked for. */
  names: string[];
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
  return { copies: wanted.toSorted(order), silent, names: [...new Set(copies.map(({ of }) => of))].toSorted() };
}

/**
 * Pure. Whose replica it is by the last part of its name: a project is in it where that is another than `default`, and names
 * of volumes can have a `_` of their own.
 */
export function volumeOfReplica(replica: string, projects: readonly string[]): string {
  const project = projects.find((each) => each !== 'default' && replica.startsWith(`${each}_`));
  return project === undefined ? replica : inProject({ project, name: replica.slice(project.length + 1) });
}

/** Pure. What a snapshot of restic's is of, whether that is declared still or not; paths have no order. */
export function resticTitle(
  { hostname, paths }: { hostname: string; paths: readonly string[] },
  sources: readonly Pick<ResticSourceScope, 'title' | 'reads'>[],
): string {
  const [only = '', ...more] = paths;
  const [, project, name] =
    /^([^_/]+)_([^/]+)$/.exec(only.startsWith(SHOWN_AT) ? only.slice(SHOWN_AT.length + 1) : '') ?? [];
  if (more.length === 0 && project !== undefined && name !== undefined) return inProject({ project, name });
  const own = paths.toSorted().join('\n');
  const declared = sources.find(({ reads }) => reads.type === 'paths' && reads.paths.toSorted().join('\n') === own);
  return declared?.title ?? `${paths.join(', ')} of ${hostname}`;
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
