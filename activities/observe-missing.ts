import { ApplicationFailure } from '@temporalio/common';
import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { instanceOnDisk } from '../plan/projects.ts';
import type {
  FoundHost,
  FoundPool,
  InstanceName,
  Missing,
  MissingInstance,
  MissingVolume,
  RejoinScope,
  RemainingCluster,
} from '../plan/rejoin.ts';
import type { Problem } from '../plan/problem.ts';
import {
  isHalfReceived,
  isUnderWay,
  volumeDataset,
  type ReplicaPlace,
  type ReplicaSeen,
  type TargetSeen,
} from '../plan/restore.ts';
import type { KnownInstance } from '../tools/incus-instance-records.ts';
import type { Incus } from '../tools/incus.ts';
import { createZfsResume } from '../tools/zfs-resume.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { roomOf } from './observe-backup.ts';
import { replicaSeen, restoreScope, targetOn } from './observe-restore.ts';
import { orTypedProblem } from './or-problem.ts';
import { readNotes, type Declared } from './rejoin-notes.ts';
import { datasetOn } from './replica-facts.ts';

interface Looking {
  deps: Deps;
  fleet: Fleet;
  scope: RejoinScope;
  /** The host of the member, what was found on it, and the Incus of another. */
  host: Host;
  found: FoundHost;
  cluster: RemainingCluster;
  other: Incus;
}

/** What the member had, as far as anybody knows. */
interface Expected {
  volumes: { pool: string; project: string; name: string }[];
  instances: (InstanceName & Pick<MissingInstance, 'type'> & { record?: KnownInstance })[];
}

/**
 * What belongs on the member and is on none of its disks, with what copies there are. Undefined where that cannot be told: its
 * pools are not imported yet, or it is a member of which no run has written down what it had. Changes nothing.
 */
export async function observeMissing(looking: Looking, signal: AbortSignal): Promise<Missing | undefined> {
  const { found, host, scope } = looking;
  if (found.incus.type === 'silent' || found.pools.some(({ zpool }) => zpool !== 'imported')) return undefined;
  const expected = await expectedOn(looking, signal);
  if (expected === undefined) return undefined;
  const { volumes, instances, onDisk, arrived } = await lostOf(looking, expected, signal);
  const missing: MissingVolume[] = [];
  const silent: Silent = new Map();
  for (const volume of volumes) {
    const part = arrived.get(placeOf(volume));
    missing.push({
      ...(await copiesOf(looking, expected, volume, { silent, begun: part?.begun }, signal)),
      ...part,
    });
  }
  const rooms: Missing['rooms'] = [];
  for (const { name: pool, dataset } of scope.pools.filter(({ name }) => volumes.some((each) => each.pool === name))) {
    const { minFreeSpace } = looking.fleet.policies.backup;
    const seen = await orTypedProblem(() => roomOf(host, { target: { dataset } }, minFreeSpace, signal), signal);
    const room = seen.type === 'value' ? seen.value : seen.problem;
    rooms.push({ pool, ...(typeof room === 'number' ? { bytes: room } : { problem: room.message }) });
  }
  return {
    ...{ at: new Date().toISOString(), volumes: missing, instances: await imagesOf(looking, instances), rooms },
    ...waitingFor(looking, onDisk, volumes),
  };
}

/** Hosts that do not answer are asked once, and not for each volume. */
type Silent = Map<string, Problem>;

/** What a run has written down, else what the cluster still knows, else what is declared. */
async function expectedOn(
  { host, scope: { member }, found, cluster, other, fleet }: Looking,
  signal: AbortSignal,
): Promise<Expected | undefined> {
  const notes = await readNotes(host, member, signal);
  const withRecords = (records: readonly KnownInstance[]): Expected['instances'] =>
    records.map((record) => ({ project: record.project, name: record.name, type: record.type, record }));
  const written =
    notes && together({ volumes: notes.volumes, instances: withRecords(notes.instances) }, notes.declared);
  // What the cluster has never forgotten it knows better.
  if (found.incus.type === 'member') return notes?.isForgotten === false ? undefined : written;
  // It has records of no more than what it has forgotten, as long as nothing was given back.
  if (written !== undefined && notes?.member !== undefined && notes.isForgotten !== false) return written;
  if (cluster.members.some(({ name }) => name === member)) {
    const { instances } = expecting(await other.instanceRecords(member), 'instance records', cluster.via);
    return together({ volumes: cluster.volumes, instances: withRecords(instances) }, written);
  }
  if (written !== undefined) return written;
  return declaredOn(fleet, member);
}

export function declaredOn(fleet: Fleet, member: string): Declared {
  const guests = Object.entries(fleet.guests).filter(([, guest]) => guest.member === member);
  return {
    volumes: guests.flatMap(([, { project, volumes }]) =>
      volumes.map(({ pool, name }) => ({ ...{ pool, project, name } })),
    ),
    instances: guests.map(([name, { project, type }]) => ({ project, name, type })),
  };
}

/** Instances on the disks that are no good to Incus before these volumes are there. */
function waitingFor(
  { fleet }: Looking,
  onDisk: Expected['instances'],
  volumes: Expected['volumes'],
): Pick<Missing, 'waiting'> {
  const waiting = onDisk.flatMap((instance): MissingInstance[] => {
    const { project, name, type, record } = instance;
    const guest = fleet.guests[name];
    const declared = guest?.project === project ? guest.volumes : [];
    const attached =
      record === undefined ? declared.map(({ pool, name: of }) => ({ pool, name: of })) : attachedBy(instance);
    return attached.some((at) => volumes.some((each) => each.pool === at.pool && each.name === at.name))
      ? [{ project, name, type, isRecorded: record !== undefined, volumes: attached }]
      : [];
  });
  return waiting.length === 0 ? {} : { waiting };
}

const together = (known: Expected, more: Expected = { volumes: [], instances: [] }): Expected => ({
  volumes: [...known.volumes, ...more.volumes.filter((each) => !known.volumes.some((own) => isSameVolume(own, each)))],
  instances: [
    ...known.instances,
    ...more.instances.filter((each) => !known.instances.some((own) => isSame(own, each))),
  ],
});

/** What is neither in records nor on disks, and of what was being received what has arrived. */
interface Lost extends Expected {
  /** Instances without a record. */
  onDisk: Expected['instances'];
  arrived: Map<string, Arrived>;
}

type Arrived = Required<Pick<MissingVolume, 'arrivedBytes'>> & Pick<MissingVolume, 'begun'>;

/**
 * A member has what its records name. While something is set aside, it has that too, and what was moved back of it and has no
 * record yet. What was being received is none of both.
 */
async function lostOf({ host, found, cluster }: Looking, expected: Expected, signal: AbortSignal): Promise<Lost> {
  const lost = (of: Expected, pools: readonly FoundPool[], arrived: Lost['arrived']): Lost => {
    const beside = besideDisks(of, pools);
    return { ...beside, onDisk: of.instances.filter((each) => !beside.instances.includes(each)), arrived };
  };
  if (found.incus.type !== 'member') return lost(expected, found.pools, new Map());
  const unrecorded = besideRecords(expected, cluster);
  const arrived = await arrivedOf(host, unrecorded.volumes, found.pools, signal);
  const pools = found.pools.map((pool) => ({
    ...pool,
    contents:
      pool.aside.length === 0 ? [] : pool.contents.filter((name) => arrived.get(`${pool.pool}/${name}`) === undefined),
  }));
  return lost(unrecorded, pools, arrived);
}

async function arrivedOf(
  host: Host,
  volumes: Expected['volumes'],
  pools: readonly FoundPool[],
  signal: AbortSignal,
): Promise<Lost['arrived']> {
  const arrived: Lost['arrived'] = new Map();
  for (const volume of volumes) {
    const pool = pools.find((each) => each.pool === volume.pool);
    if (pool?.contents.includes(customName(volume)) !== true) continue;
    const dataset = volumeDataset(pool.dataset, volume);
    const target = await targetOn(host, dataset, signal);
    if (target === undefined) continue;
    const begun = await begunWith(host, target, signal);
    // What is whole and set aside beside it is taken in with that.
    const isWhole = begun !== undefined && isUnderWay(target, begun) && pool.aside.length === 0;
    if (!isHalfReceived(target) && !isWhole) continue;
    const arrivedBytes = (await datasetOn(host, dataset, signal))?.usedBytes ?? 0;
    arrived.set(placeOf(volume), { arrivedBytes, ...(begun === undefined ? {} : { begun }) });
  }
  return arrived;
}

/** The GUID of the snapshot that was being received: a part is good for no other. */
async function begunWith(host: Host, target: TargetSeen, signal: AbortSignal): Promise<string | undefined> {
  if (target.token === undefined) return target.readonly ? target.guids.at(-1) : target.restored;
  const read = await createZfsResume(host, { signal }).readToken(target.token);
  return read.type === 'token' ? read.toGuid : undefined;
}

/** As it is below the dataset of its pool, and with the pool. */
const customName = ({ project, name }: InstanceName): string => `custom/${project}_${name}`;
const placeOf = (volume: Expected['volumes'][number]): string => `${volume.pool}/${customName(volume)}`;

const besideRecords = ({ volumes, instances }: Expected, cluster: RemainingCluster): Expected => ({
  volumes: volumes.filter((volume) => !cluster.volumes.some((each) => isSameVolume(each, volume))),
  instances: instances.filter((instance) => !cluster.instances.some((each) => isSame(each, instance))),
});

const isSame = (a: InstanceName, b: InstanceName): boolean => a.project === b.project && a.name === b.name;
const isSameVolume = (a: Expected['volumes'][number], b: Expected['volumes'][number]): boolean =>
  isSame(a, b) && a.pool === b.pool;

function besideDisks({ volumes, instances }: Expected, pools: readonly FoundPool[]): Expected {
  const there = new Set(
    pools.flatMap(({ pool, contents, aside }) =>
      [...contents, ...aside.flatMap((each) => each.contents)].map((name) => `${pool}/${name}`),
    ),
  );
  const hasInstance = (instance: InstanceName): boolean =>
    pools.some(({ pool }) =>
      ['containers', 'virtual-machines'].some((kind) => there.has(`${pool}/${kind}/${instanceOnDisk(instance)}`)),
    );
  return {
    volumes: volumes.filter((volume) => !there.has(placeOf(volume))),
    instances: instances.filter((instance) => !hasInstance(instance)),
  };
}

async function copiesOf(
  { deps, fleet, scope }: Looking,
  { instances }: Expected,
  { pool, project, name }: Expected['volumes'][number],
  { silent, begun }: { silent: Silent; begun: string | undefined },
  signal: AbortSignal,
): Promise<MissingVolume> {
  const isHere = (guest: string): boolean =>
    fleet.guests[guest]?.member === scope.member ||
    instances.some(
      (each) =>
        each.name === guest &&
        each.project === fleet.guests[guest]?.project &&
        attachedBy(each).some((at) => at.pool === pool && at.name === name),
    );
  const own = Object.fromEntries(Object.entries(fleet.backups).filter(([, { guest }]) => isHere(guest)));
  const replicas: MissingVolume['replicas'] = [];
  for (const place of placesOf({ ...fleet, backups: own }, { project, volume: name }))
    replicas.push(await replicaUnlessSilent(deps, fleet, { place, begun }, silent, signal));
  const attaches = (guest: string): boolean =>
    fleet.guests[guest]?.volumes.some((each) => each.pool === pool && each.name === name) === true ||
    instances.some(
      (each) => each.name === guest && attachedBy(each).some((at) => at.pool === pool && at.name === name),
    );
  const restic = Object.entries(own).flatMap(([entry, { guest, to }]) =>
    to.some(({ type }) => type === 'restic') && fleet.guests[guest]?.project === project && attaches(guest)
      ? [entry]
      : [],
  );
  return { pool, project, name, replicas, restic };
}

async function replicaUnlessSilent(
  deps: Deps,
  fleet: Fleet,
  { place, begun }: { place: ReplicaPlace; begun: string | undefined },
  silent: Silent,
  signal: AbortSignal,
): Promise<ReplicaSeen> {
  const { host, dataset } = place;
  const known = silent.get(host);
  if (known !== undefined) return { host, dataset, problem: known };
  const seen = await replicaSeen(deps, fleet, place, begun === undefined ? {} : { guid: begun }, signal);
  if (seen.problem?.type === 'Unreachable') silent.set(host, seen.problem);
  return seen;
}

/** None where no entry of the fleet file has such a volume. */
function placesOf(fleet: Fleet, wish: { project: string; volume: string }): ReplicaPlace[] {
  try {
    return restoreScope(fleet, wish).places;
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'BadConfig') return [];
    throw error;
  }
}

const attachedBy = ({ record }: Expected['instances'][number]): MissingInstance['volumes'] =>
  Object.values(record?.devices ?? {}).flatMap(({ type, pool, source }) =>
    type === 'disk' && pool !== undefined && source !== undefined ? [{ pool, name: source }] : [],
  );

/** Of the project’s own or of the default one’s images. */
async function imagesOf(
  { other, cluster, scope }: Looking,
  instances: Expected['instances'],
): Promise<MissingInstance[]> {
  if (instances.length === 0) return [];
  const { images } = expecting(await other.imagesBeside(scope.member), 'images', cluster.via);
  return instances.map((instance) => {
    const { project, name, type, record } = instance;
    const base = record?.config['volatile.base_image'];
    const image = images.find(
      (each) => each.fingerprint === base && (each.project === project || each.project === 'default'),
    );
    return {
      ...{ project, name, type, isRecorded: record !== undefined, volumes: attachedBy(instance) },
      ...(image === undefined ? {} : { image: image.fingerprint }),
    };
  });
}
