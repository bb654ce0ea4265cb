import type { Fleet } from '../fleet/schema.ts';
import {
  restoredFolder,
  type RestoreFilesObservation,
  type RestoreFilesScope,
  type RestoreFilesWish,
} from '../plan/restore-files.ts';
import { resticLock, type ResticSourceScope } from '../plan/restic.ts';
import { listFolder } from '../tools/folder.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orTypedProblem } from './or-problem.ts';
import { hostOf, repositoryIn, resticScope, sourceIn } from './restic-scope.ts';
import { resticSnapshots } from './restic-snapshots.ts';

/** What the fleet file says at the run's revision. Fails as BadConfig where the entry has nothing of that kind. */
export function restoreFilesScope(fleet: Fleet, wish: RestoreFilesWish): RestoreFilesScope {
  const backup = fleet.backups[wish.backup];
  if (backup === undefined) throw failure('BadConfig', `runbook.yaml has no backup ${wish.backup}.`);
  const guest = fleet.guests[backup.guest];
  if (guest === undefined) throw failure('BadConfig', `runbook.yaml has no guest ${backup.guest}.`);
  // Only what this entry says: others can name the same guest.
  const { repositories } = resticScope({ ...fleet, backups: { [wish.backup]: backup } });
  const all = repositories.flatMap(({ id, repository, sources }) =>
    sources.flatMap((source) =>
      source.reads.type === 'paths' ? [{ id, repository, source, paths: source.reads.paths }] : [],
    ),
  );
  const [found] = all;
  if (found === undefined)
    throw failure(
      'BadConfig',
      `Expected a place of type restic with from: guest in backup ${wish.backup}, found none. What restic reads on a member is restored by restic itself.`,
    );
  return {
    ...{ wish, guest: backup.guest, member: guest.member, repository: found.id, source: found.source.id },
    ...{ address: found.repository, lock: resticLock(found.id), path: pathOf(wish, found.paths) },
  };
}

function pathOf({ backup, path }: RestoreFilesWish, paths: readonly string[]): string {
  const [only, ...more] = paths;
  if (path === undefined) {
    if (only !== undefined && more.length === 0) return only;
    throw failure('BadConfig', `Backup ${backup} has several paths: say which with --path: ${paths.join(', ')}.`);
  }
  if (paths.some((each) => path === each || path.startsWith(`${each.replace(/\/$/, '')}/`))) return path;
  throw failure('BadConfig', `Expected a path below ${paths.join(', ')}, which backup ${backup} has, got ${path}.`);
}

/** Snapshots, and the folder that one is to come to. What cannot be asked is part of the answer. Changes nothing. */
export async function observeRestoreFiles(
  deps: Deps,
  { scope, fleet: ref, name: run }: RunRef & { scope: RestoreFilesScope },
  { signal }: ActivityContext,
): Promise<RestoreFilesObservation> {
  const fleet = await deps.fleetAt(ref);
  const source = sourceIn(repositoryIn(resticScope(fleet), scope.repository), scope.source);
  const host = hostOf(deps, fleet, source.place);
  const seen = await orTypedProblem(async () => {
    const snapshots = await snapshotsOf(host, source, signal);
    const folder = restoredFolder(scope, run);
    const there = await listFolder(host, folder, { signal });
    if (there.type === 'unexpected') throw toolFailure(`Looking into ${folder} on ${host.name}`, there);
    return { snapshots, isTaken: there.type === 'entries' && there.names.length > 0 };
  }, signal);
  if (seen.type === 'problem') return { problem: seen.problem, isTaken: false };
  const { snapshots, isTaken } = seen.value;
  const { until } = scope.wish;
  const [oldest] = snapshots;
  const fitting = snapshots.findLast(({ at }) => until === undefined || at <= until);
  return {
    isTaken,
    ...(oldest === undefined ? {} : { oldestAt: oldest.at }),
    ...(fitting === undefined ? {} : { fitting }),
  };
}

/** Of that source, the oldest first. */
async function snapshotsOf(
  host: ReturnType<typeof hostOf>,
  source: ResticSourceScope,
  signal: AbortSignal,
): Promise<{ id: string; at: string }[]> {
  const { reads, tags } = source;
  const own = reads.type === 'paths' ? reads.paths.toSorted().join('\n') : '';
  return (await resticSnapshots(host, source, tags, signal))
    .filter(({ paths }) => paths.toSorted().join('\n') === own)
    .map(({ id, created }) => ({ id, at: created }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
