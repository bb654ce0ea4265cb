import { readResticRestore, resticRestoreArgv } from '../tools/restic-restore.ts';
import { listFolder } from '../tools/folder.ts';
import type { ResticRestoreInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { resticFailure } from './restic-failure.ts';
import { runRestic } from './restic-jobs.ts';
import { hostOf, repositoryIn, resticScope, sourceIn } from './restic-scope.ts';

/**
 * A snapshot, or a part of it, into a folder that is empty or not there: nothing is overwritten. restic reads again what it
 * wrote. A second attempt finds the job.
 */
export async function restoreFromRestic(
  deps: Deps,
  { fleet: ref, name, repository: id, source: sourceId, snapshot, path, target }: ResticRestoreInput,
  context: ActivityContext,
): Promise<{ files: number; bytes: number }> {
  const fleet = await deps.fleetAt(ref);
  const { place, title } = sourceIn(repositoryIn(resticScope(fleet), id), sourceId);
  const host = hostOf(deps, fleet, place);
  const jobName = `${name}-restic-${id}-restore-${sourceId}`;
  if ((await host.jobs.status(jobName, context)).type === 'absent') {
    const there = await listFolder(host, target, context);
    if (there.type === 'unexpected') throw toolFailure(`Looking into ${target} on ${host.name}`, there);
    if (there.type === 'entries' && there.names.length > 0)
      throw failure('NotRun', `${target} on ${host.name} is not empty: nothing is restored over what is there.`);
  }
  const argv = resticRestoreArgv({ ...place, snapshot, target, ...(path === undefined ? {} : { path }) });
  const job = { name: jobName, argv, access: place, repository: id };
  const answer = await runRestic(host, job, context, readResticRestore, () => `restores ${title}`);
  if (answer.type === 'not found') throw failure('NotFound', `restic on ${host.name}: ${answer.message}`);
  if (answer.type !== 'restored') throw resticFailure(host, answer);
  return { files: answer.files, bytes: answer.bytes };
}
