import type { Backup, BackupPolicy, ReplicaTarget } from '../fleet/schema.ts';
import type { ObservedVolume, Selection } from './backup-selection.ts';
import { count } from './count.ts';
import type { Gate } from './gates.ts';
import type { Problem } from './problem.ts';
import { inProject } from './projects.ts';
import type { CopyView } from './run.ts';
import { asSentence } from './sentence.ts';

/** What nightly-backup is asked for, what it finds, and what it does. Plain data, small enough for a history. */

/** What the fleet file says at the run's revision. */
export interface BackupScope {
  backups: Record<string, Backup>;
  policy: BackupPolicy;
}

/** A volume that is selected, where it lies, and whether it can be sent. */
export interface SourceVolume extends Pick<ObservedVolume, 'project' | 'pool' | 'name'> {
  /** Of its pool on that member, with `custom/` and its name in ZFS; absent where the pool is none of ZFS. */
  dataset?: string;
}

/** One replica as it stands before the run. */
export interface ReplicaState {
  pair: string;
  volume: string;
  /** `up to date`, `initial`, … as in plan/replication.ts. */
  relation: string;
  /** Of the newest snapshot that both have, as the receiver has it: ISO 8601. Where the source is away, of the newest there. */
  newestAt?: string;
  problem?: Problem;
  /** What does not stop a copy today. */
  warnings: string[];
}

export interface BackupObservation {
  selection: Selection;
  /** By the key of {@link volumeKey}. */
  datasets: Record<string, string>;
  /** Hosts that do not answer, and why. */
  away: Record<string, string>;
  /** Pairs of hosts that cannot be used, and why: no space, no pool. */
  unfit: { pair: string; problem: Problem }[];
  replicas: ReplicaState[];
}

export const volumeKey = ({ member, pool, project, name }: ObservedVolume): string =>
  [member, pool, project, name].join(' ');

/** Volumes of one guest that are snapshotted in one moment. */
export interface SnapshotGroup {
  /** By its name in the fleet file. */
  backup: string;
  guest: string;
  member: string;
  volumes: SourceVolume[];
}

/** All that goes from one host to one dataset of another in the same way. */
export interface ReplicaPair {
  /** Short and unique in the run. */
  id: string;
  sender: string;
  target: ReplicaTarget;
  volumes: SourceVolume[];
}

export type BackupGate = Omit<Gate, 'name'> & { name: 'selection' | 'sources' | 'places' | 'replicas' };

export interface BackupPlan {
  gates: BackupGate[];
  refusals: BackupGate[];
  groups: SnapshotGroup[];
  pairs: ReplicaPair[];
  /** Copies that cannot be made whatever this run does. */
  failing: CopyView[];
  /** Ways with such a copy whose sender answers: what an earlier run has left held there has to be let go. */
  hindered: ReplicaPair[];
}

/** `nuc-1 tank/replicas` */
export const placeOf = ({ member, dataset }: Pick<ReplicaTarget, 'member' | 'dataset'>): string =>
  `${member} ${dataset}`;

/** What a backup's snapshots are called in Incus: after the run, and not as an upgrade calls its own, which it removes. */
export const backupSnapshot = (run: string): string => run.replace(/^runbook-/, 'backup-');

/** Pure. What cannot be done for one volume or place keeps no other from being done. */
export function planBackup(scope: BackupScope, observation: BackupObservation): BackupPlan {
  const { selection, away } = observation;
  const reached = selection.selected.filter(({ volume }) => away[volume.member] === undefined);
  const groups = groupsOf(scope, reached, observation);
  const all = allPairs(scope, observation);
  const failing = [...all.flatMap((pair) => failingOf(pair, observation)), ...unmetOf(scope, selection)];
  const isFailing = (pair: ReplicaPair, volume: SourceVolume): boolean =>
    failing.some(({ volume: name, place }) => name === inProject(volume) && place === placeOf(pair.target));
  const pairs = all
    .map((pair) => ({ ...pair, volumes: pair.volumes.filter((volume) => !isFailing(pair, volume)) }))
    .filter(({ volumes }) => volumes.length > 0);
  const gates = [
    ...contradictions(groups, all).map(contradicted),
    ...gatesOf(scope, observation, { groups, pairs, failing }),
  ];
  const hindered = all.filter(
    (pair) => away[pair.sender] === undefined && pair.volumes.some((each) => isFailing(pair, each)),
  );
  return { gates, refusals: gates.filter(({ verdict }) => verdict === 'refused'), groups, pairs, failing, hindered };
}

type Selected = Selection['selected'][number];

const sourceOf = (volume: ObservedVolume, { datasets }: Pick<BackupObservation, 'datasets'>): SourceVolume => {
  const dataset = datasets[volumeKey(volume)];
  const { project, pool, name } = volume;
  return { project, pool, name, ...(dataset === undefined ? {} : { dataset }) };
};

/** Entries of one guest with the same hooks and the same expiry share their snapshots. */
function groupsOf(
  { backups }: BackupScope,
  selected: readonly Selected[],
  observation: BackupObservation,
): SnapshotGroup[] {
  const found = new Map<string, SnapshotGroup>();
  for (const { backup, volume } of selected) {
    const { guest, hooks, keepSnapshots } = backups[backup] as Backup;
    const key = JSON.stringify([guest, hooks, keepSnapshots]);
    const group = found.get(key) ?? { backup, guest, member: volume.member, volumes: [] };
    found.set(key, group);
    if (!group.volumes.some((each) => isSame(each, volume))) group.volumes.push(sourceOf(volume, observation));
  }
  return [...found.values()];
}

/** What would take turns with itself: one volume in two moments of a night, or in one replica by two rules. */
function contradictions(groups: readonly SnapshotGroup[], pairs: readonly ReplicaPair[]): string[] {
  return [
    ...repeated(
      groups.flatMap(({ guest, volumes }) => volumes.map((volume) => `${inProject(volume)} of ${guest}`)),
    ).map((what) => `Volume ${what} is in entries of backups that differ in hooks or keepSnapshots.`),
    ...repeated(
      pairs.flatMap(({ target, volumes }) => volumes.map((volume) => `${inProject(volume)} at ${placeOf(target)}`)),
    ).map((what) => `The replica of ${what} is in entries of backups that differ in keep, path or bandwidth.`),
  ];
}

const repeated = (all: readonly string[]): string[] => [...new Set(all.filter((each, at) => all.indexOf(each) !== at))];

/** One for each sender and place: entries that name the same place in the same way share it. */
export function allPairs(
  { backups }: BackupScope,
  observation: Pick<BackupObservation, 'selection' | 'datasets'>,
): ReplicaPair[] {
  const found = new Map<string, ReplicaPair>();
  for (const { backup, volume } of observation.selection.selected)
    for (const target of backups[backup]?.to ?? []) {
      if (target.type !== 'zfs') continue;
      const key = JSON.stringify([volume.member, target]);
      const pair = found.get(key) ?? {
        id: pairId(volume.member, target, found.size),
        sender: volume.member,
        target,
        volumes: [],
      };
      found.set(key, pair);
      if (!pair.volumes.some((each) => isSame(each, volume))) pair.volumes.push(sourceOf(volume, observation));
    }
  return [...found.values()];
}

const isSame = (a: SourceVolume, b: SourceVolume): boolean =>
  a.project === b.project && a.pool === b.pool && a.name === b.name;

/** Of letters that jobs and steps may have. */
const pairId = (sender: string, { member }: ReplicaTarget, index: number): string =>
  `${sender}-to-${member}-${index + 1}`.toLowerCase();

/** The copies that cannot be made, and why. */
export function failingOf(pair: ReplicaPair, { away, unfit, replicas }: BackupObservation): CopyView[] {
  const whole =
    [pair.sender, pair.target.member].flatMap((host) =>
      away[host] === undefined ? [] : [unreachable(host, away[host])],
    )[0] ?? unfit.find(({ pair: id }) => id === pair.id)?.problem;
  return pair.volumes.flatMap((volume): CopyView[] => {
    const own = replicas.find(({ pair: id, volume: name }) => id === pair.id && name === inProject(volume))?.problem;
    const problem = whole ?? (volume.dataset === undefined ? notZfs(volume) : own);
    if (problem === undefined) return [];
    return [{ volume: inProject(volume), place: placeOf(pair.target), outcome: 'failed', problem }];
  });
}

/** What an entry asks for and nobody has: its other volumes, and other entries, are backed up all the same. */
function unmetOf(scope: BackupScope, selection: Selection): CopyView[] {
  if (selection.selected.length === 0) return [];
  return unmetIn(scope, selection).flatMap(({ backup, what, problem }) =>
    volumePlaces(scope, backup).map((target): CopyView => ({
      ...{ volume: what, outcome: 'failed', problem },
      place: target.type === 'zfs' ? placeOf(target) : `restic ${target.repository}`,
    })),
  );
}

/** Where volumes go: what restic reads in a guest are paths, also where that has no volume. */
const volumePlaces = ({ backups }: BackupScope, backup: string): BackupScope['backups'][string]['to'] =>
  (backups[backup]?.to ?? []).filter((target) => target.type === 'zfs' || target.from !== 'guest');

/** What is asked for and nobody has, where it has to be had. A run of an earlier release has seen none. */
export const unmetIn = (scope: BackupScope, { unmet = [] }: { unmet?: Selection['unmet'] }): Selection['unmet'] =>
  unmet.filter(({ backup }) => volumePlaces(scope, backup).length > 0);

const unreachable = (host: string, why: string): Problem => ({
  type: 'Unreachable',
  message: `${host} does not answer: ${why}`,
  whatToDo: `runbook doctor --node ${host} shows what is wrong.`,
});

const notZfs = ({ pool, name }: SourceVolume): Problem => ({
  type: 'BadConfig',
  message: `Volume ${name} is in pool ${pool}, which is none of ZFS, so it has no replica.`,
  whatToDo: 'Declare a place of type restic for it.',
});

function gatesOf(
  scope: BackupScope,
  { selection, away, replicas }: BackupObservation,
  { groups, pairs, failing }: Pick<BackupPlan, 'groups' | 'pairs' | 'failing'>,
): BackupGate[] {
  const volumes = groups.reduce((sum, group) => sum + group.volumes.length, 0);
  const guests = new Set(groups.map(({ guest }) => guest)).size;
  const sources = new Set(selection.selected.map(({ volume }) => volume.member));
  const isNothing = selection.selected.length === 0;
  const problems = [
    ...selection.problems,
    ...(isNothing ? unmetIn(scope, selection).map(({ problem }) => problem) : []),
  ];
  return [
    ...(problems.length > 0
      ? problems.map(({ message, whatToDo }): BackupGate => ({
          ...{ name: 'selection', verdict: 'refused', message: asSentence(message), whatToDo },
        }))
      : [passed('selection', `${count(volumes, 'volume')} of ${count(guests, 'guest')}`)]),
    ...awayGates([...sources], away),
    ...failing.map(({ volume, place, problem }): BackupGate => ({
      ...{ name: 'replicas', verdict: 'warning' },
      message: `No copy of ${volume} at ${place}: ${asSentence(problem?.message ?? '')}`,
      ...(problem === undefined ? {} : { whatToDo: problem.whatToDo }),
    })),
    ...replicas.flatMap(({ warnings }) =>
      warnings.map((message): BackupGate => ({ name: 'replicas', verdict: 'warning', message })),
    ),
    ...(pairs.length > 0 || failing.length === 0
      ? [passed('places', `${count(pairs.length, 'way')} to ${count(placesOf(pairs), 'place')}`)]
      : [
          {
            ...({ name: 'places', verdict: 'warning' } as const),
            message: 'No place can take a copy of any volume. What a later run will copy is snapshotted nevertheless.',
            whatToDo: 'See the warnings: each says what to do.',
          },
        ]),
  ];
}

const placesOf = (pairs: readonly ReplicaPair[]): number => new Set(pairs.map(({ target }) => placeOf(target))).size;

const contradicted = (message: string): BackupGate => ({
  ...{ name: 'selection', verdict: 'refused', message },
  whatToDo: 'Make them the same in runbook.yaml, or name the volume in one entry only.',
});

const passed = (name: BackupGate['name'], message: string): BackupGate => ({ name, verdict: 'passed', message });

function awayGates(sources: readonly string[], away: Record<string, string>): BackupGate[] {
  const gone = sources.filter((host) => away[host] !== undefined);
  if (gone.length === 0) return [passed('sources', 'Every member with such a volume answers')];
  return gone.map((host) => ({
    name: 'sources',
    verdict: gone.length === sources.length ? 'refused' : 'warning',
    message: `${host} does not answer, so nothing of it is backed up: ${asSentence(away[host] ?? '')}`,
    whatToDo: `runbook doctor --node ${host} shows what is wrong.`,
  }));
}
