import { HostError, type Host } from '../hosts/host.ts';
import type { Backup, Fleet } from '../fleet/schema.ts';
import { declaredVolumes } from '../fleet/volume-pattern.ts';
import type { BackupState } from '../plan/observation.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import { createRestic } from '../tools/restic.ts';
import { createZfs } from '../tools/zfs.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { ledgerOf } from './restic-ledger.ts';
import { resticScope, TAG } from './restic-scope.ts';

type Target = Backup['to'][number];
type Newest = Pick<BackupState, 'newestAt' | 'problem' | 'unseen'>;

/** The newest copy of each declared volume of the guests concerned, at each of its places. */
export async function observeBackups(
  deps: Deps,
  fleet: Fleet,
  { targets, policy }: UpgradeScope,
  context: ActivityContext,
): Promise<BackupState[]> {
  if (policy.backup === 'off') return [];
  const guests = new Set(targets.filter(({ kind }) => kind === 'guest').map(({ node }) => node));
  const states: BackupState[] = [];
  for (const backup of Object.values(fleet.backups).filter(({ guest }) => guests.has(guest)))
    for (const volume of volumesOf(fleet, backup))
      for (const target of backup.to)
        states.push({
          guest: backup.guest,
          volume,
          target: describe(target),
          ...(await newest(deps, fleet, backup.guest, volume, target, context)),
        });
  return states;
}

function volumesOf({ guests }: Fleet, backup: Backup): string[] {
  const guest = guests[backup.guest];
  return guest === undefined ? [] : declaredVolumes(backup, guest).map(({ name }) => name);
}

function describe(target: Target): string {
  return target.type === 'zfs' ? `${target.member} ${target.dataset}` : `restic ${target.repository}`;
}

async function newest(
  deps: Deps,
  fleet: Fleet,
  guest: string,
  volume: string,
  target: Target,
  context: ActivityContext,
): Promise<Newest> {
  try {
    return target.type === 'zfs'
      ? await newestReplica(deps, fleet, volume, target, context)
      : await newestRestic(deps, fleet, guest, target, context);
  } catch (error) {
    if (error instanceof HostError && error.type !== 'Cancelled') return { problem: error.message, unseen: true };
    throw error;
  }
}

/** Measured where the copy is: the age of what has arrived, not of what was sent. */
async function newestReplica(
  { machines }: Deps,
  fleet: Fleet,
  volume: string,
  { member, dataset }: Target & { type: 'zfs' },
  { signal }: ActivityContext,
): Promise<Newest> {
  const found = await createZfs(machines.receiver(fleet, member), { signal }).newestSnapshot(`${dataset}/${volume}`);
  if (found.type === 'snapshot') return { newestAt: found.created };
  return { problem: found.type === 'none' ? 'it has no snapshot' : toolFailure('zfs', found).message };
}

async function newestRestic(
  { machines }: Deps,
  fleet: Fleet,
  guest: string,
  { from, repository, passwordFile, environmentFile, tag }: Target & { type: 'restic' },
  { signal }: ActivityContext,
): Promise<Newest> {
  const settings = fleet.guests[guest];
  const host = from === 'guest' || !settings ? machines.node(fleet, guest) : machines.member(fleet, settings.member);
  const found = await createRestic(host, { signal }).newestSnapshot({
    repository,
    passwordFile,
    ...(environmentFile === undefined ? {} : { environmentFile }),
    ...(tag === undefined ? {} : { tag }),
  });
  if (found.type === 'snapshot')
    return found.tags.includes(TAG)
      ? newestComplete(fleet, host, { guest, repository }, signal)
      : { newestAt: found.created };
  if (found.type === 'none') return { problem: 'the repository has no snapshot' };
  return { problem: found.type === 'unexpected' ? toolFailure('restic', found).message : found.message };
}

/** A snapshot that a run has made is a backup only where the run has written down that all was read. */
async function newestComplete(
  fleet: Fleet,
  host: Host,
  { guest, repository }: { guest: string; repository: string },
  signal: AbortSignal,
): Promise<Newest> {
  const scope = resticScope(fleet).repositories.find((each) => each.repository === repository);
  const { backups } = await ledgerOf(host, scope?.id ?? '', { signal });
  const own = scope?.sources.filter((source) => source.guest === guest) ?? [];
  const newestAt = own
    .flatMap(({ id }) => backups[id]?.at ?? [])
    .sort()
    .at(-1);
  return newestAt === undefined ? { problem: 'no snapshot in the repository is complete' } : { newestAt };
}
