import type { Backup, Fleet, Guest } from '../fleet/schema.ts';
import { matchesPattern } from '../fleet/volume-pattern.ts';
import type { Host } from '../hosts/host.ts';
import { replicaName } from '../plan/backup-selection.ts';
import { inProject } from '../plan/projects.ts';
import {
  arrivingName,
  volumeDataset,
  type DestinationSeen,
  type ReplicaPlace,
  type ReplicaSeen,
  type RestoreObservation,
  type RestoreScope,
  type RestoreWish,
  type TargetSeen,
} from '../plan/restore.ts';
import type { OriginalSeen, VolumeUser } from '../plan/restore-in-place.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { VolumeRecord } from '../tools/incus-records.ts';
import type { UnknownVolume } from '../tools/incus-recovery.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import { createZfs } from '../tools/zfs.ts';
import { zfsSnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { roomOf } from './observe-backup.ts';
import { orTypedProblem } from './or-problem.ts';
import { datasetOn } from './replica-facts.ts';

/** What the fleet file says at the run's revision. Fails as BadConfig where no entry can have such a copy. */
export function restoreScope(fleet: Fleet, wish: RestoreWish): RestoreScope {
  const entries = Object.entries(fleet.backups).filter(([name, backup]) => canHave(fleet, name, backup, wish));
  const owners = [...new Set(entries.map(([, { guest }]) => guest))];
  // Whoever declares the volume has it; of undeclared ones only what is there can tell.
  const owner =
    owners.find((name) => declares(fleet.guests[name], wish)) ?? (owners.length === 1 ? owners[0] : undefined);
  const places = placesOf(
    entries.map(([, backup]) => backup).filter(({ guest }) => owner === undefined || guest === owner),
    wish,
  );
  if (places.length === 0)
    throw failure(
      'BadConfig',
      `Expected a place of type zfs for volume ${wish.volume} in the backups of runbook.yaml${ofWish(wish)}, found none.`,
    );
  const { minFreeSpace, stallTimeout } = fleet.policies.backup;
  const guest = owner === undefined ? undefined : fleet.guests[owner];
  const pool = guest?.volumes.find(({ name }) => name === wish.volume)?.pool;
  return {
    ...{ wish, places, minFreePercent: minFreeSpace, stallTimeout },
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
    ...(guest === undefined ? {} : { member: guest.member }),
    ...(pool === undefined ? {} : { pool }),
  };
}

const ofWish = ({ backup, from }: RestoreWish): string =>
  `${backup === undefined ? '' : ` (entry ${backup})`}${from === undefined ? '' : ` on ${from}`}`;

const declares = (guest: Guest | undefined, { volume }: RestoreWish): boolean =>
  guest?.volumes.some(({ name }) => name === volume) === true;

/** Labels are in Incus, which may have forgotten the volume. */
function canHave(fleet: Fleet, name: string, { guest, volumes, labels }: Backup, wish: RestoreWish): boolean {
  const isAny = volumes.length === 0 || Object.keys(labels).length > 0;
  return (
    (wish.backup ?? name) === name &&
    fleet.guests[guest]?.project === wish.project &&
    (isAny || volumes.some((pattern) => matchesPattern(pattern, wish.volume)))
  );
}

function placesOf(backups: readonly Backup[], { project, volume, from }: RestoreWish): ReplicaPlace[] {
  const found = new Map<string, ReplicaPlace>();
  for (const { guest, to } of backups)
    for (const target of to) {
      if (target.type !== 'zfs' || (from ?? target.member) !== target.member) continue;
      const dataset = `${target.dataset}/${replicaName({ project, name: volume })}`;
      const place = found.get(`${target.member} ${dataset}`) ?? { host: target.member, dataset, guests: [] };
      found.set(`${target.member} ${dataset}`, place);
      if (!place.guests.includes(guest)) place.guests.push(guest);
    }
  return [...found.values()];
}

/** Replicas and the member that the volume is made on. What does not answer is part of the answer. Changes nothing. */
export async function observeRestore(
  deps: Deps,
  { scope, fleet: ref, name: run }: RunRef & { scope: RestoreScope },
  { signal, report }: ActivityContext,
): Promise<RestoreObservation> {
  const fleet = await deps.fleetAt(ref);
  const replicas: ReplicaSeen[] = [];
  for (const place of scope.places) {
    report({ progress: `replicas on ${place.host}` });
    replicas.push(await replicaSeen(deps, fleet, place, scope.wish, signal));
  }
  const member = scope.wish.member ?? scope.member;
  if (member === undefined) return { replicas };
  report({ progress: member });
  const seen = await orTypedProblem(
    () => destinationOn(fleet, deps.machines.member(fleet, member), scope, { member, run, signal }),
    signal,
  );
  if (seen.type === 'value') return { replicas, destination: seen.value };
  return { replicas, destination: { ...blank(member), problem: seen.problem } };
}

const blank = (member: string): DestinationSeen => ({ member, isListed: false, others: [], isKnown: false });
const found = (value: ReplicaSeen['found']): Pick<ReplicaSeen, 'found'> =>
  value === undefined ? {} : { found: value };

/** `guid`: of the snapshot that was begun with, where the replica has it. */
type CopyWish = Pick<RestoreWish, 'until'> & { guid?: string };

/** What does not answer is part of the answer. */
export async function replicaSeen(
  deps: Deps,
  fleet: Fleet,
  place: ReplicaPlace,
  wish: CopyWish,
  signal: AbortSignal,
): Promise<ReplicaSeen> {
  const { host, dataset } = place;
  const seen = await orTypedProblem(() => replicaAt(deps.machines.receiver(fleet, host), place, wish, signal), signal);
  return { host, dataset, ...(seen.type === 'problem' ? { problem: seen.problem } : found(seen.value)) };
}

/** Of a pool that is not imported nobody knows what is in it. */
async function requireImported(host: Host, dataset: string, signal: AbortSignal): Promise<void> {
  const [name = ''] = dataset.split('/');
  const pool = await createZfs(host, { signal }).poolHealth(name);
  if (pool.type === 'not found')
    throw failure(
      'NotFound',
      `${host.name} has not imported a zpool ${name}: zpool import ${name} there shows it again.`,
    );
  if (pool.type !== 'pool') throw toolFailure(`zpool on ${host.name}`, pool);
}

/** Undefined where there is no such replica. */
async function replicaAt(
  host: Host,
  { dataset }: ReplicaPlace,
  { until, guid }: CopyWish,
  signal: AbortSignal,
): Promise<ReplicaSeen['found']> {
  const own = await datasetOn(host, dataset, signal);
  const listed = await zfsSnapshotDetails(host, dataset, { signal });
  if (own === undefined || listed.type === 'not found') {
    await requireImported(host, dataset, signal);
    return undefined;
  }
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${host.name}`, listed);
  const snapshots = listed.snapshots
    .filter((each) => each.dataset === dataset && each.name.startsWith('snapshot-'))
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  const [oldestAt, newestAt] = [snapshots[0]?.createdAt, snapshots.at(-1)?.createdAt];
  const begun = snapshots.find((each) => each.guid === guid);
  const fitting = begun ?? snapshots.findLast(({ createdAt }) => until === undefined || createdAt <= until);
  const { kind, encrypted, usedBytes } = own;
  return {
    ...{ kind, encrypted, usedBytes, snapshots: snapshots.length },
    ...(oldestAt === undefined ? {} : { oldestAt }),
    ...(newestAt === undefined ? {} : { newestAt }),
    ...(fitting === undefined
      ? {}
      : { fitting: { name: fitting.name, guid: fitting.guid, createdAt: fitting.createdAt } }),
  };
}

/**
 * On a dataset that was restored: the GUID of the snapshot while it is under way from what was received to a volume, the
 * name of the run when it is one. Nothing else is taken for one.
 */
export const RESTORED = 'runbook:restored';

/** What has that name there now; undefined where nothing has. */
export async function targetOn(host: Host, dataset: string, signal: AbortSignal): Promise<TargetSeen | undefined> {
  const own = await datasetOn(host, dataset, signal);
  if (own === undefined) return undefined;
  const set = await createZfsDatasets(host, { signal }).localProperties(dataset);
  if (set.type === 'not found') return undefined;
  if (set.type !== 'properties') throw toolFailure(`zfs on ${host.name}`, set);
  const restored = set.properties[RESTORED];
  const { snapshots, readonly, keyLoaded, token } = own;
  return {
    guids: snapshots.map(({ guid }) => guid),
    readonly,
    locked: !keyLoaded,
    ...(token === undefined ? {} : { token }),
    ...(restored === undefined ? {} : { restored }),
  };
}

async function destinationOn(
  fleet: Fleet,
  host: Host,
  scope: RestoreScope,
  { member, run, signal }: { member: string; run: string; signal: AbortSignal },
): Promise<DestinationSeen> {
  const { wish } = scope;
  const incus = createIncus(host, { signal });
  const known = await recordOf(incus, scope, member);
  const declared = scope.pool ?? known?.pool;
  // In place is where it is, wherever it was to be.
  const pool = await zfsPool(incus, member, wish.inPlace === true ? (known?.pool ?? declared) : declared);
  const original =
    wish.inPlace === true && known !== undefined
      ? await originalOn(fleet, host, incus, { ...wish, member, pool, signal })
      : undefined;
  const own = { project: wish.project, name: arrivingName(wish, run, original !== undefined) };
  const target = await targetOn(host, volumeDataset(pool.dataset, own), signal);
  const unknown = expecting(await incus.unknownVolumes([pool.name]), 'unknown volumes', member).volumes;
  const room = await roomOf(host, { target: pool }, scope.minFreePercent, signal);
  if (typeof room !== 'number') return { ...blank(member), problem: room };
  return {
    ...{ member, pool, room, isKnown: known !== undefined },
    isListed: await isListed(incus, { ...own, pool: pool.name, member }),
    ...(target === undefined ? {} : { target }),
    ...(original === undefined ? {} : { original }),
    others: unknown.filter((each) => !isOf(own, each)).map(unknownTitle),
  };
}

/** Whether Incus has a volume of that name on the member. */
export async function isListed(
  incus: Incus,
  { pool, member, project, name }: { pool: string; member: string; project: string; name: string },
): Promise<boolean> {
  const { volumes } = expecting(await incus.volumes(pool), 'volumes', member);
  return volumes.some((each) => each.project === project && each.name === name && each.location === member);
}

async function originalOn(
  fleet: Fleet,
  host: Host,
  incus: Incus,
  {
    project,
    volume,
    member,
    pool,
    signal,
  }: VolumeAt & { pool: { name: string; dataset: string }; signal: AbortSignal },
): Promise<OriginalSeen> {
  const dataset = volumeDataset(pool.dataset, { project, name: volume });
  const users = await usersOf(fleet, incus, { project, volume, member, pool: pool.name });
  const own = await datasetOn(host, dataset, signal);
  if (own === undefined) return { dataset, users };
  const { kind, encrypted, usedBytes, snapshots } = own;
  return { dataset, users, found: { kind, encrypted, usedBytes, snapshots: snapshots.length } };
}

interface VolumeAt {
  project: string;
  volume: string;
  member: string;
}

/** Whoever has it among its devices. Projects without volumes of their own use those of `default`. */
export async function usersOf(
  fleet: Fleet,
  incus: Incus,
  { project, volume, member, pool }: VolumeAt & { pool: string },
): Promise<VolumeUser[]> {
  const { instances } = expecting(await incus.instances(), 'instances', member);
  return instances
    .filter(
      (each) =>
        each.location === member &&
        (each.project === project || project === 'default') &&
        each.volumes.some((one) => one.pool === pool && one.name === volume),
    )
    .map(({ project: own, name, status }) => {
      return { project: own, name, status, isDeclared: fleet.guests[name]?.project === own };
    });
}

/** Incus says `volume` of a custom one. An instance can have the same name. */
const CUSTOM = 'volume';

export const isCustom = ({ kind }: UnknownVolume): boolean => kind === CUSTOM;

export const isOf = (own: { project: string; name: string }, each: UnknownVolume): boolean =>
  isCustom(each) && each.project === own.project && each.name === own.name;

/** `edge-data`, `container edge-vm` */
export const unknownTitle = (each: UnknownVolume): string =>
  isCustom(each) ? inProject(each) : `${each.kind} ${inProject(each)}`;

/** What the cluster knows of the volume itself, also where its member is away. */
async function recordOf(
  incus: Incus,
  { wish, member: owner, pool }: RestoreScope,
  via: string,
): Promise<VolumeRecord | undefined> {
  const own = { ...wish, name: wish.volume, ...(pool === undefined ? {} : { pool }) };
  return owner === undefined ? undefined : volumeRecord(incus, { ...own, member: owner }, via);
}

/** Of the wanted pool, or of the only one that has it. */
export async function volumeRecord(
  incus: Incus,
  { project, name, member, pool }: { project: string; name: string; member: string; pool?: string },
  via: string,
): Promise<VolumeRecord | undefined> {
  const { pools } = expecting(await incus.storagePools(), 'storage pools', via);
  const names = pools.map((pool) => pool.name);
  const { volumes } = expecting(await incus.volumeRecords(member, names), 'volume records', via);
  const own = volumes.filter((each) => each.project === project && each.name === name);
  const [only, ...more] = own;
  const wanted = own.find((each) => each.pool === pool);
  if (wanted === undefined && more.length > 0) throw whichPool(own.map((each) => each.pool));
  return wanted ?? only;
}

const whichPool = (pools: readonly string[]): Error =>
  failure(
    'BadConfig',
    `It is not known in which pool the volume was: ${pools.join(', ')}. Declare it among the volumes of its guest.`,
  );

/** The wanted one, or the only one of ZFS. */
async function zfsPool(
  incus: Incus,
  member: string,
  wanted: string | undefined,
): Promise<{ name: string; dataset: string }> {
  const { pools } = expecting(await incus.storagePools(), 'storage pools', member);
  const candidates = pools.filter(({ name, driver }) => (wanted === undefined ? driver === 'zfs' : name === wanted));
  const [only, ...more] = candidates;
  if (only === undefined) throw failure('NotFound', `${member} has no pool ${wanted ?? 'of ZFS'}.`);
  if (more.length > 0) throw whichPool(candidates.map(({ name }) => name));
  const { dataset } = expecting(await incus.pool(only.name, member), 'pool', member);
  if (dataset === undefined) throw failure('BadConfig', `Pool ${only.name} of ${member} is none of ZFS.`);
  return { name: only.name, dataset };
}
