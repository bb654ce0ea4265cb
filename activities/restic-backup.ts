import type { Host } from '../hosts/host.ts';
import { resticProgress, readResticBackup, resticBackupArgv, type ResticSource } from '../tools/restic-backup.ts';
import { createIncus } from '../tools/incus.ts';
import { SHOWN_AT, type ResticBackupResult, type ResticSourceScope } from '../plan/restic.ts';
import { createRestic } from '../tools/restic.ts';
import type { StoredResticLedger } from '../tools/restic-ledger.ts';
import type { ResticBackupInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { resticFailure } from './restic-failure.ts';
import { runRestic } from './restic-jobs.ts';
import { keepLedger, ledgerOf } from './restic-ledger.ts';
import { hostOf, repositoryIn, resticScope, sourceIn } from './restic-scope.ts';

/**
 * One snapshot of one source. It counts as a backup where restic has read every file and the repository lists it; then it is
 * written down. A second attempt finds that, or the job.
 */
export async function backUpToRestic(
  deps: Deps,
  input: ResticBackupInput,
  context: ActivityContext,
): Promise<ResticBackupResult> {
  const fleet = await deps.fleetAt(input.fleet);
  const repository = repositoryIn(resticScope(fleet), input.repository);
  const source = sourceIn(repository, input.source);
  const host = hostOf(deps, fleet, source.place);
  const ledger = await ledgerOf(host, repository.id, context);
  const done = ledger.backups[source.id];
  if (done?.run === input.name) return asResult(done);
  const job = {
    name: `${input.name}-restic-${repository.id}-backup-${source.id}`,
    argv: resticBackupArgv({
      ...source.place,
      hostname: source.guest,
      tags: [...source.tags, input.name],
      time: input.at,
      source: await whatIsRead(host, source, input, context),
    }),
    access: source.place,
    repository: repository.id,
  };
  const answer = await runRestic(host, job, context, readResticBackup, (lines) => progressOf(source, lines));
  switch (answer.type) {
    case 'complete': {
      await requireListed(host, source, answer.snapshot, context);
      const { snapshot, files, bytes, added } = answer;
      const entry = { at: input.at, run: input.name, snapshot, files, bytes, added };
      await keepLedger(host, repository.id, { ...ledger, backups: { ...ledger.backups, [source.id]: entry } }, context);
      return answer;
    }
    case 'incomplete':
      return { type: 'incomplete', message: `restic could not read all: ${answer.unread.join(', ')}` };
    case 'empty':
      return { type: 'empty', message: `There are no files in ${source.title}: is it mounted?` };
    case 'locked':
      return { type: 'locked', message: answer.message };
    case 'not mounted':
      return { type: 'failed', message: `The snapshot could not be mounted on ${host.name}: ${answer.message}` };
    case 'no repository':
    case 'wrong password':
    case 'bad environment':
    case 'unexpected':
      return { type: 'failed', message: resticFailure(host, answer).message };
  }
}

const asResult = ({ snapshot, files, bytes, added }: StoredResticLedger['backups'][string]): ResticBackupResult => ({
  ...{ type: 'complete', snapshot, files, bytes, added },
});

function progressOf({ title }: ResticSourceScope, lines: readonly string[]): string {
  const progress = resticProgress(lines);
  if (progress === undefined || progress.totalBytes === 0) return title;
  return `${title}: ${Math.floor((100 * progress.bytes) / progress.totalBytes)} %`;
}

/** The member has the snapshots of a volume in its pool. */
async function whatIsRead(
  host: Host,
  { reads }: ResticSourceScope,
  { snapshot }: ResticBackupInput,
  { signal }: ActivityContext,
): Promise<ResticSource> {
  if (reads.type === 'paths') return reads;
  if (snapshot === undefined) throw failure('Unexpected', `No snapshot of volume ${reads.volume} was named.`);
  const pool = expecting(await createIncus(host, { signal }).pool(reads.pool, host.name), 'pool', host.name);
  const volume = `${reads.project}_${reads.volume}`;
  const at = `${SHOWN_AT}/${volume}`;
  if (pool.source === undefined) throw failure('NotFound', `Pool ${reads.pool} has no place on ${host.name}.`);
  return pool.driver === 'zfs'
    ? { type: 'zfs', from: `${pool.source}/custom/${volume}@snapshot-${snapshot}`, at }
    : { type: 'folder', from: `${pool.source}/custom-snapshots/${volume}/${snapshot}`, at };
}

async function requireListed(
  host: Host,
  { place, guest, tags }: ResticSourceScope,
  snapshot: string,
  context: ActivityContext,
): Promise<void> {
  const listed = await createRestic(host, context).snapshots({ ...place, hostname: guest, tag: tags.join(',') });
  if (listed.type !== 'snapshots') throw resticFailure(host, listed);
  if (listed.snapshots.some(({ id }) => id === snapshot)) return;
  throw failure('Unexpected', `restic on ${host.name} does not list the snapshot ${snapshot} that it made.`);
}
