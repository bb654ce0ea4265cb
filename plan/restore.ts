import { gigabytes } from './bytes.ts';
import { formatAge, ageOf } from './duration.ts';
import type { Gate } from './gates.ts';
import type { Problem } from './problem.ts';
import { inProject } from './projects.ts';
import type { StepView } from './run.ts';
import { asSentence } from './sentence.ts';

/** What restore is asked for, what it finds, and what it does. Plain data, small enough for a history. */

export interface RestoreWish {
  project: string;
  volume: string;
  /** ISO 8601: the newest copy that is not younger. Absent: the newest. */
  until?: string;
  /** What the new volume is called. */
  to?: string;
  /** Where it is made. */
  member?: string;
  /** Only copies of this entry of `backups`. */
  backup?: string;
  /** Only copies on this host. */
  from?: string;
}

/** Where a replica of the volume can be. */
export interface ReplicaPlace {
  host: string;
  /** The replica itself: `tank/replicas/edge-data`. */
  dataset: string;
  /** Of the entries that send to it. */
  guests: string[];
}

/** What the fleet file says at the run's revision. */
export interface RestoreScope {
  wish: RestoreWish;
  /** In the order of the fleet file. */
  places: ReplicaPlace[];
  /** Where the guest is to be; absent where entries of several guests are meant. */
  member?: string;
  /** That the guest's volume is declared in. */
  pool?: string;
  /** Of a pool, which stay free. */
  minFreePercent: number;
  /** As the fleet file writes it. */
  stallTimeout: string;
}

export interface ReplicaSnapshot {
  /** After `@`. */
  name: string;
  guid: string;
  /** ISO 8601. */
  createdAt: string;
}

/** One replica as it was seen where it is. */
export interface ReplicaSeen extends Pick<ReplicaPlace, 'host' | 'dataset'> {
  /** Why it cannot be looked at. */
  problem?: Problem;
  /** Absent where there is no such replica. */
  found?: {
    kind: 'filesystem' | 'volume';
    encrypted: boolean;
    usedBytes: number;
    snapshots: number;
    oldestAt?: string;
    newestAt?: string;
    /** The newest that is not younger than was asked for. */
    fitting?: ReplicaSnapshot;
  };
}

/** The dataset that is to become the new volume, where something has its name already. */
export interface TargetSeen {
  guids: string[];
  /** So it is while it is received, and never when Incus has it. */
  readonly: boolean;
  /** Encrypted, and its key is not loaded. */
  locked: boolean;
  /** Of an interrupted receive. */
  token?: string;
  /** Of what a run has taken further than that: the snapshot’s GUID, and at last the name of the run. */
  restored?: string;
}

/** The member that the volume is made on. */
export interface DestinationSeen {
  member: string;
  problem?: Problem;
  /** Its pool, and where that is in ZFS. */
  pool?: { name: string; dataset: string };
  /** Bytes that may come to it. */
  room?: number;
  /** Incus lists a volume of that name. */
  isListed: boolean;
  target?: TargetSeen;
  /** What Incus would take in besides: on its disks, and not in its records. */
  others: string[];
  /** What the cluster knows of the volume itself. */
  isKnown: boolean;
}

export interface RestoreObservation {
  replicas: ReplicaSeen[];
  destination?: DestinationSeen;
}

/** What is brought back, from where and to where. */
export interface Restoration {
  project: string;
  /** Whose copy it is. */
  volume: string;
  /** Where that is to be by the fleet file: what the cluster knows of it is given to the copy. */
  sourceMember?: string;
  from: { host: string; dataset: string };
  snapshot: ReplicaSnapshot;
  kind: 'filesystem' | 'volume';
  /** Encrypted, and sent as it is: neither side needs the key for that. */
  raw: boolean;
  member: string;
  pool: string;
  /** What the new volume is called in Incus, and in ZFS. */
  name: string;
  dataset: string;
}

export type RestoreGate = Omit<Gate, 'name'> & { name: 'copy' | 'key' | 'member' | 'name' | 'space' | 'recovery' };

export interface RestorePlan {
  gates: RestoreGate[];
  refusals: RestoreGate[];
  /** Absent where it is not known what could be done. */
  restoration?: Restoration;
}

/** `edge-data-restored-20261123-0214-3f9c` */
export const restoredName = ({ volume, to }: Pick<RestoreWish, 'volume' | 'to'>, run: string): string =>
  to ?? `${volume}-restored-${run.replace(/^runbook-/, '')}`;

/** As Incus calls the dataset of a custom volume. */
export const volumeDataset = (pool: string, { project, name }: { project: string; name: string }): string =>
  `${pool}/custom/${project}_${name}`;

/** When something was copied, for people: `2026-11-20 02:14 UTC`. */
export const dated = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

type Found = NonNullable<ReplicaSeen['found']>;
type Fitting = ReplicaSeen & { found: Found & { fitting: ReplicaSnapshot } };

/** Pure. */
export function planRestore(
  scope: RestoreScope,
  observation: RestoreObservation,
  { run, now }: { run: string; now: string },
): RestorePlan {
  const { wish } = scope;
  const name = restoredName(wish, run);
  const chosen = newestOf(observation.replicas);
  const { destination } = observation;
  const gates: RestoreGate[] = [
    ...copyGates(scope, observation.replicas, chosen, now),
    ...(chosen === undefined ? [] : [keyGate(chosen)]),
    ...memberGates(scope, destination),
    ...(destination?.pool === undefined
      ? []
      : [
          nameGate(name, wish, destination, chosen?.found.fitting.guid),
          ...(chosen === undefined ? [] : [spaceGate(destination, chosen.found)]),
          recoveryGate(destination),
          ...(destination.isKnown ? [] : [unknownConfiguration(wish)]),
        ]),
  ];
  const refusals = gates.filter(({ verdict }) => verdict === 'refused');
  if (chosen === undefined || destination?.pool === undefined) return { gates, refusals };
  const { project, volume } = wish;
  const restoration: Restoration = {
    ...{ project, volume, name, member: destination.member, pool: destination.pool.name },
    ...(scope.member === undefined ? {} : { sourceMember: scope.member }),
    from: { host: chosen.host, dataset: chosen.dataset },
    snapshot: chosen.found.fitting,
    kind: chosen.found.kind,
    raw: chosen.found.encrypted,
    dataset: volumeDataset(destination.pool.dataset, { project, name }),
  };
  return { gates, refusals, restoration };
}

export const restoreSteps = ({ restoration }: RestorePlan): StepView[] =>
  restoration === undefined ? [] : Object.values(stepsOf(restoration)).map((step) => ({ ...step, state: 'pending' }));

export function stepsOf({ volume, snapshot, from, member, pool, name }: Restoration) {
  return {
    copy: {
      ...({ id: 'copy', phase: 'copy' } as const),
      member,
      title: `${volume} of ${dated(snapshot.createdAt)} from ${from.host} to ${member}`,
    },
    recover: { ...({ id: 'recover', phase: 'recover' } as const), member, title: `volume ${name} in pool ${pool}` },
    verify: { ...({ id: 'verify', phase: 'verify' } as const), member, title: `${name} is what the copy is` },
  };
}

/** The newest that fits; of the same age the first one of the fleet file. */
export function newestOf(replicas: readonly ReplicaSeen[]): Fitting | undefined {
  const fitting = replicas.filter((each): each is Fitting => each.found?.fitting !== undefined);
  return fitting.reduce<Fitting | undefined>(
    (best, each) => (best === undefined || each.found.fitting.createdAt > best.found.fitting.createdAt ? each : best),
    undefined,
  );
}

function copyGates(
  { wish, places }: RestoreScope,
  replicas: readonly ReplicaSeen[],
  chosen: Fitting | undefined,
  now: string,
): RestoreGate[] {
  const what = inProject({ project: wish.project, name: wish.volume });
  const guests = new Set(places.flatMap((place) => place.guests));
  if (wish.backup === undefined && guests.size > 1 && places.length > 1 && hasSeveral(replicas, places))
    return [
      refused(
        'copy',
        `Copies of a volume ${what} are there of several guests: ${[...guests].join(', ')}`,
        'Say which entry of backups is meant: --backup NAME.',
      ),
    ];
  const silent = replicas.flatMap(({ host, dataset, problem }): RestoreGate[] =>
    problem === undefined
      ? []
      : [
          {
            ...{ name: 'copy', verdict: 'warning', whatToDo: problem.whatToDo },
            message: `${host} ${dataset} was not looked at: ${asSentence(problem.message)}`,
          },
        ],
  );
  if (chosen === undefined) return [...silent, noCopy(what, wish, replicas)];
  const { createdAt } = chosen.found.fitting;
  const others = replicas.filter((each) => each !== chosen && each.found?.fitting !== undefined);
  const why = others.length === 0 ? '' : ', the newest of several';
  return [
    ...silent,
    {
      ...{ name: 'copy', verdict: 'passed' },
      message: `${what} of ${dated(createdAt)}, ${formatAge(ageOf(createdAt, now))} old, at ${chosen.host} ${chosen.dataset}${why}`,
    },
  ];
}

/** Whether replicas of more than one guest are there in fact. */
function hasSeveral(replicas: readonly ReplicaSeen[], places: readonly ReplicaPlace[]): boolean {
  const found = places.filter(({ host, dataset }) =>
    replicas.some((each) => each.host === host && each.dataset === dataset && each.found !== undefined),
  );
  return new Set(found.map(({ guests }) => guests.join(' '))).size > 1;
}

function noCopy(what: string, { until }: RestoreWish, replicas: readonly ReplicaSeen[]): RestoreGate {
  const there = replicas.flatMap(({ host, dataset, found }) =>
    found?.oldestAt === undefined ? [] : [`${host} ${dataset} begins with ${dated(found.oldestAt)}`],
  );
  if (until !== undefined && there.length > 0)
    return refused(
      'copy',
      `No copy of ${what} is as old as ${dated(until)}: ${there.join('; ')}`,
      'Ask for a later time: --at DATE. runbook backups list shows what there is.',
    );
  return refused(
    'copy',
    `There is no replica of ${what}: looked at ${replicas.map(({ host, dataset }) => `${host} ${dataset}`).join(', ')}`,
    'Compare the name with runbook backups list.',
  );
}

function keyGate({ dataset, found }: Fitting): RestoreGate {
  if (!found.encrypted) return passed('key', 'the replica is not encrypted');
  return {
    ...{ name: 'key', verdict: 'warning' },
    message: `${dataset} is encrypted, and so is what arrives: its key has to be loaded there before Incus can take it over`,
  };
}

function memberGates({ wish }: RestoreScope, destination: DestinationSeen | undefined): RestoreGate[] {
  if (destination === undefined)
    return [refused('member', 'It is not known where the volume belongs', 'Name the member: --member NAME.')];
  const { member, problem, pool } = destination;
  if (problem !== undefined)
    return [
      refused(
        'member',
        `${member} cannot take it: ${problem.message}`,
        wish.member === undefined ? 'Name a member that can: --member NAME.' : problem.whatToDo,
      ),
    ];
  return [passed('member', `${member}, pool ${pool?.name ?? ''}`)];
}

function nameGate(
  name: string,
  { volume, to }: RestoreWish,
  { member, isListed, target }: DestinationSeen,
  guid: string | undefined,
): RestoreGate {
  const isReached = target !== undefined && isUnderWay(target, guid);
  const isOwn = isReached || (target !== undefined && !isListed && isReceived(target, guid));
  if (isOwn || (!isListed && target === undefined))
    return passed('name', isOwn ? `${name} is there in part and gone on with` : `${name} is free`);
  return refused(
    'name',
    isListed
      ? `${member} has a volume ${name} already`
      : `${member} has a dataset for a volume ${name} that Incus does not know`,
    to === volume || to === undefined
      ? 'Nothing is restored over what is there. Choose another name: --to NAME.'
      : 'Choose another name: --to NAME.',
  );
}

/** What this or an earlier run has received of that snapshot, in part or whole, and Incus has not taken over yet. */
export const isReceived = ({ readonly, token, guids }: TargetSeen, guid: string | undefined): boolean =>
  readonly && (token !== undefined ? guids.length === 0 : guid !== undefined && guids.includes(guid));

/** What this or an earlier run has received whole, and Incus has taken over already or not; no run has verified it yet. */
export const isUnderWay = ({ restored, guids }: TargetSeen, guid: string | undefined): boolean =>
  guid !== undefined && restored === guid && guids.includes(guid);

function spaceGate({ member, room, target }: DestinationSeen, { usedBytes: needed, fitting }: Found): RestoreGate {
  if (fitting !== undefined && target?.guids.includes(fitting.guid) === true) return passed('space', 'it is there');
  if (room === undefined || needed <= room) return passed('space', `${gigabytes(needed)} fit`);
  return refused(
    'space',
    `The copy has ${gigabytes(needed)}, and ${member} has room for ${gigabytes(Math.max(0, room))}`,
    'Free space there, or name another member: --member NAME.',
  );
}

/** Incus takes in all that it does not know, or nothing. */
function recoveryGate({ member, others }: DestinationSeen): RestoreGate {
  if (others.length === 0) return passed('recovery', `${member} has nothing that Incus does not know`);
  return refused(
    'recovery',
    `The pool of ${member} has more that Incus does not know, and would take in with it: ${others.join(', ')}`,
    'See what they are (zfs list), and rename them out of the pool’s dataset or let incus admin recover take them in. What a restore has left there goes on with its own name: --to NAME.',
  );
}

const unknownConfiguration = ({ volume }: RestoreWish): RestoreGate => ({
  ...{ name: 'recovery', verdict: 'warning' },
  message: `The cluster knows no volume ${volume} any more: its size and its options are to be set by hand, and files of a container may belong to others`,
});

const passed = (name: RestoreGate['name'], message: string): RestoreGate => ({ name, verdict: 'passed', message });
const refused = (name: RestoreGate['name'], message: string, whatToDo: string): RestoreGate => ({
  ...{ name, verdict: 'refused', message: asSentence(message), whatToDo },
});
