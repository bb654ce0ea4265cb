import { replicaName } from './backup-selection.ts';
import { gigabytes } from './bytes.ts';
import { formatAge, ageOf } from './duration.ts';
import type { Gate } from './gates.ts';
import type { Problem } from './problem.ts';
import { inProject } from './projects.ts';
import {
  asideOf,
  copiesGates,
  inPlaceGates,
  resolveOf,
  type InPlace,
  type InPlaceGate,
  type OriginalSeen,
  type ReplicaAfter,
} from './restore-in-place.ts';
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
  /** In the place of the volume itself. */
  inPlace?: true;
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
  /** As the fleet file writes them. */
  stallTimeout: string;
  approvalTimeout: string;
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
  /** Where it is to be restored in place, and Incus knows it there. */
  original?: OriginalSeen;
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
  /** It takes the place of the volume itself, and its own name is only what it arrives under. */
  inPlace?: InPlace;
}

export type RestoreGate = Omit<Gate, 'name'> & {
  name: 'copy' | 'key' | 'member' | 'name' | 'space' | 'recovery' | InPlaceGate['name'];
};

export interface RestorePlan {
  gates: RestoreGate[];
  refusals: RestoreGate[];
  /** Absent where it is not known what could be done. */
  restoration?: Restoration;
}

/** `edge-data-restored-20261123-0214-3f9c` */
export const restoredName = ({ volume, to }: Pick<RestoreWish, 'volume' | 'to'>, run: string): string =>
  to ?? `${volume}-restored-${run.replace(/^runbook-/, '')}`;

/** What is made, or what it arrives under. A volume that is gone is made anew under its own name. */
export const arrivingName = (wish: RestoreWish, run: string, isKnown: boolean): string =>
  wish.inPlace === true && !isKnown ? wish.volume : restoredName(wish, run);

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
  const chosen = newestOf(observation.replicas);
  const { destination } = observation;
  const name = arrivingName(wish, run, destination?.original !== undefined);
  const inPlace =
    destination === undefined ? undefined : inPlaceOf(wish, observation.replicas, chosen, destination, run);
  const gates: RestoreGate[] = [
    ...copyGates(scope, observation.replicas, chosen, now),
    ...(chosen === undefined ? [] : [keyGate(chosen)]),
    ...memberGates(scope, destination),
    ...(destination?.pool === undefined
      ? []
      : [
          nameGate(name, wish, destination, chosen?.found.fitting.guid),
          ...(chosen === undefined ? [] : [spaceGate(destination, chosen.found)]),
          ...(inPlace === undefined
            ? [recoveryGate(destination), ...(destination.isKnown ? [] : [unknownConfiguration(wish)])]
            : inPlace.gates),
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
    ...(inPlace === undefined ? {} : { inPlace: inPlace.will }),
  };
  return { gates, refusals, restoration };
}

/** Undefined where nothing is replaced. */
function inPlaceOf(
  { project, volume }: RestoreWish,
  replicas: readonly ReplicaSeen[],
  chosen: Fitting | undefined,
  { original, pool }: DestinationSeen,
  run: string,
): { gates: InPlaceGate[]; will: InPlace } | undefined {
  if (original === undefined || chosen === undefined || pool === undefined) return undefined;
  const title = inProject({ project, name: volume });
  const aside = asideOf(pool.dataset, replicaName({ project, name: volume }), run);
  const after = replicas.flatMap((each) => (each.found === undefined ? [] : [afterwards(each, chosen)]));
  const { found, dataset, users } = original;
  return {
    gates: [...inPlaceGates(original, { title, kind: chosen.found.kind, aside }), ...copiesGates(title, after)],
    will: {
      ...{ dataset, users, usedBytes: found?.usedBytes ?? 0, snapshots: found?.snapshots ?? 0 },
      ...(found === undefined || aside === undefined ? {} : { aside }),
      resolve: after.filter(({ goesOn }) => !goesOn).map((each) => resolveOf(title, each)),
    },
  };
}

/** Copies go on where the newest that the replica has is what is restored. */
const afterwards = ({ host, dataset, found }: ReplicaSeen, { found: chosen }: Fitting): ReplicaAfter => ({
  ...{ host, dataset },
  goesOn: found?.fitting?.guid === chosen.fitting.guid && found.newestAt === chosen.fitting.createdAt,
});

export const restoreSteps = ({ restoration }: RestorePlan): StepView[] =>
  restoration === undefined ? [] : viewsOf(restoration).map((step) => ({ ...step, state: 'pending' }));

const viewsOf = (restoration: Restoration): Omit<StepView, 'state'>[] =>
  restoration.inPlace === undefined
    ? Object.values(stepsOf(restoration))
    : [stepsOf(restoration).copy, ...Object.values(inPlaceSteps(restoration))];

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

/** After the copy, where it takes the place of the original. */
export function inPlaceSteps({ volume, member, inPlace }: Restoration) {
  const aside = inPlace?.aside === undefined ? '' : `, and what is there becomes ${inPlace.aside}`;
  return {
    ready: { ...({ id: 'ready', phase: 'copy' } as const), member, title: 'what arrived is made ready' },
    before: { ...({ id: 'health-before', phase: 'copy' } as const), member, title: 'who uses it, and their health' },
    stop: { ...({ id: 'stop', phase: 'drain' } as const), member, title: `guests with ${volume}` },
    swap: { ...({ id: 'swap', phase: 'apply' } as const), member, title: `it becomes ${volume}${aside}` },
    start: { ...({ id: 'start', phase: 'apply' } as const), member, title: 'guests that ran before' },
    verify: { ...({ id: 'verify', phase: 'verify' } as const), member, title: 'health' },
    settle: { ...({ id: 'settle', phase: 'clean up' } as const), member, title: 'records of snapshots that are aside' },
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
    return [refused('member', `${member} cannot take it: ${problem.message}`, insteadOf(wish, problem))];
  return [passed('member', `${member}, pool ${pool?.name ?? ''}`)];
}

function insteadOf({ inPlace, member, volume }: RestoreWish, { whatToDo }: Problem): string {
  if (inPlace === true)
    return `In place is where it was. On another member without --in-place: --member NAME --to ${volume}.`;
  return member === undefined ? 'Name a member that can: --member NAME.' : whatToDo;
}

function nameGate(
  name: string,
  { volume, to, inPlace }: RestoreWish,
  { member, isListed, target }: DestinationSeen,
  guid: string | undefined,
): RestoreGate {
  // In place, nothing that Incus has is moved to where the volume is.
  const isReached = target !== undefined && isUnderWay(target, guid) && !(inPlace === true && isListed);
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

/** Of some run or other: a part, or what is not writable yet. A mark alone says nothing: one of an earlier restore stays. */
export const isHalfReceived = ({ readonly, token }: TargetSeen): boolean => readonly || token !== undefined;

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
