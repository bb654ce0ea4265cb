import { ApplicationFailure } from '@temporalio/common';
import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import type {
  ResticRepositoryScope,
  ResticRepositorySeen,
  ResticScope,
  ResticSourceScope,
  ResticSourceSeen,
} from '../plan/restic.ts';
import { programVersion } from '../tools/programs.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { ledgerOf } from './restic-ledger.ts';
import { hostOf } from './restic-scope.ts';
import { resticSnapshots } from './restic-snapshots.ts';

/** Exit codes for a lock and for no repository came with 0.17. */
const OLDEST = [0, 17] as const;

/** How old each kind of work is, of each repository. What cannot be asked is part of the answer. Changes nothing. */
export function observeRepositories(
  deps: Deps,
  fleet: Fleet,
  { repositories }: ResticScope,
  context: ActivityContext,
): Promise<ResticRepositorySeen[]> {
  return Promise.all(
    repositories.map(async (repository) => ({
      id: repository.id,
      sources: await Promise.all(repository.sources.map((source) => seen(deps, fleet, repository, source, context))),
      maintenance: await maintained(deps, fleet, repository, context),
    })),
  );
}

async function seen(
  deps: Deps,
  fleet: Fleet,
  repository: ResticRepositoryScope,
  { id, place, guest, tags }: ResticSourceScope,
  { signal }: ActivityContext,
): Promise<ResticSourceSeen> {
  const host = hostOf(deps, fleet, place);
  const found = await orProblem(async () => {
    await requireRestic(host, signal);
    const noted = (await ledgerOf(host, repository.id, { signal })).backups[id];
    const listed = await resticSnapshots(host, { place, guest }, tags, signal);
    const isThere = listed.some((snapshot) => snapshot.id === noted?.snapshot);
    return noted !== undefined && isThere ? { completeAt: noted.at } : {};
  }, signal);
  return { id, ...found };
}

async function maintained(
  deps: Deps,
  fleet: Fleet,
  { id, maintenance }: ResticRepositoryScope,
  { signal }: ActivityContext,
): Promise<ResticRepositorySeen['maintenance']> {
  const host = hostOf(deps, fleet, maintenance);
  const found = await orProblem(async () => {
    await requireRestic(host, signal);
    const { forgets, prune, check } = await ledgerOf(host, id, { signal });
    return { forgets, ...(prune === undefined ? {} : { prune }), ...(check === undefined ? {} : { check }) };
  }, signal);
  return 'problem' in found ? { forgets: {}, ...found } : found;
}

async function requireRestic(host: Host, signal: AbortSignal): Promise<void> {
  const found = await programVersion(host, ['restic', 'version'], { signal });
  if (found.type === 'missing')
    throw failure('NotRun', `restic is not on ${host.name}: add it to the packages of that machine.`);
  const [, major = '', minor = ''] = /^restic (\d+)\.(\d+)/.exec(found.line) ?? [];
  if (found.type === 'broken' || major === '') throw failure('Unexpected', `restic on ${host.name}: ${found.line}`);
  if (Number(major) > OLDEST[0] || Number(minor) >= OLDEST[1]) return;
  throw failure('NotRun', `restic on ${host.name} is ${major}.${minor}: 0.17 or newer is needed.`);
}

async function orProblem<T>(look: () => Promise<T>, signal: AbortSignal): Promise<T | { problem: string }> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError || error instanceof ApplicationFailure)) throw error;
    return { problem: error.message };
  }
}
