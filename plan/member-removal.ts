import type { ListedMember } from './formation.ts';
import { instanceOnDisk } from './projects.ts';
import { removalGates, type RemovalGate } from './removal-gates.ts';
import type { StepView } from './run.ts';

/** What member-remove is asked for, what it finds, and what it makes of it. Plain data. */

/** What the fleet file says at the run's revision. */
export interface RemovalScope {
  member: string;
  /** Every declared member, this one among them. */
  members: string[];
  /** Guests that are declared on it. */
  guests: string[];
  /** Where it keeps the replicas of backups: `edge at tank/replicas`. */
  replicas: string[];
  /** Groups of the cluster that are declared with it. */
  groups: string[];
  /** Whether members can join by cluster-bootstrap. */
  canJoin: boolean;
  approvalTimeout: string;
}

/** What is at the place of a pool beside what Incus makes there, which goes with the member. */
export interface PoolPlace {
  pool: string;
  /** `tank/incus`, `/data/incus` */
  source: string;
  /** The first few of what else is there. */
  foreign: string[];
  isThere: boolean;
}

export interface RemovalObservation {
  /** The member that told the rest; absent where the cluster has no quorum. */
  via?: string;
  noQuorum?: string;
  members: ListedMember[];
  /** On the member, as the cluster has it on record: `default/edge-vm`, `local/edge-data` (with its project, if it is another). */
  instances: { project: string; name: string; status: string }[];
  volumes: { project: string; pool: string; name: string }[];
  /** Whether its host gave any sign of life, and for how long none was looked for in vain. */
  host: { answers: boolean; sign: string; silentForSeconds: number };
  /** What its own Incus says of itself, where it can be asked. */
  own?: { clustered: boolean };
  ownProblem?: string;
  places: PoolPlace[];
  placesProblem?: string;
  orchestratorHere?: string;
}

/** `forced`: it is dead, and the others forget it. `none`: the cluster does not list it. */
export type RemovalMode = 'clean' | 'forced' | 'none';

export interface RemovalPlan {
  mode: RemovalMode;
  gates: RemovalGate[];
  refusals: RemovalGate[];
  /** Who is told. */
  via: string;
  /** Records that go with a dead member, by name. */
  forgets: string[];
  steps: StepView[];
}

/** What stands between the member and its removal. Pure. */
export function planRemoval(scope: RemovalScope, observation: RemovalObservation): RemovalPlan {
  const { members, via = '' } = observation;
  const listed = members.find(({ name }) => name === scope.member);
  const isKnown = observation.noQuorum === undefined;
  const mode: RemovalMode = isKnown && listed === undefined ? 'none' : isDead(listed, observation) ? 'forced' : 'clean';
  const gates = mode === 'none' ? [] : removalGates(scope, observation, mode);
  return {
    mode,
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    via,
    forgets: mode === 'forced' ? recordsOf(observation) : [],
    steps: mode === 'none' ? [] : removalSteps(scope.member, mode),
  };
}

/**
 * Both sides agree, for a while: the host gives no sign of life, and the cluster misses it. One that was powered off while it
 * was out of service stays `Evacuated`.
 */
export function isDead(listed: ListedMember | undefined, { host }: Pick<RemovalObservation, 'host'>): boolean {
  return !host.answers && (listed?.status === 'Offline' || listed?.status === 'Evacuated');
}

/** By name: what a person is told that is lost, and what may not have grown since. */
export function recordsOf({ instances, volumes }: Pick<RemovalObservation, 'instances' | 'volumes'>): string[] {
  return [
    ...instances.map(({ project, name }) => `instance ${inProject(project, name)}`),
    ...volumes.map(({ project, pool, name }) => `volume ${pool}/${inProject(project, name)}`),
  ];
}

const inProject = (project: string, name: string): string =>
  project === 'default' ? name : `${name} (project ${project})`;

/** What is in the place of a pool beside what the cluster has on record there, which is told apart from it. */
export function withoutRecorded(
  { source, foreign }: Pick<PoolPlace, 'source' | 'foreign'>,
  { instances, volumes }: Pick<RemovalObservation, 'instances' | 'volumes'>,
): string[] {
  const ofInstances = new Set(instances.map(instanceOnDisk));
  const ofVolumes = new Set(volumes.map(({ project, name }) => `${project}_${name}`));
  return foreign.filter((name) => {
    const inside = name.startsWith(`${source}/`) ? name.slice(source.length + 1) : name;
    const [, kind, entry = ''] = /^(containers|virtual-machines|custom)(?:-snapshots)?\/([^/@]+)/.exec(inside) ?? [];
    const own = entry.replace(/\.block$/, '');
    return kind === undefined || !(kind === 'custom' ? ofVolumes : ofInstances).has(own);
  });
}

const removalSteps = (member: string, mode: 'clean' | 'forced'): StepView[] => [
  {
    id: 'remove',
    phase: 'remove',
    title: mode === 'clean' ? `${member} leaves the cluster` : `the cluster forgets ${member}`,
    state: 'pending',
  },
  { id: 'verify', phase: 'verify', title: 'members, and what is left', state: 'pending' },
];

/** What a person has to do, or should know, once it is no member any more. */
export function whatRemains(scope: RemovalScope, { mode }: RemovalPlan, after: RemovalObservation): string[] {
  const { member } = scope;
  return [
    ...(after.own?.clustered === true
      ? [`The Incus of ${member} still takes itself for a member: it cannot start again, and has to be installed anew.`]
      : []),
    ...(mode === 'clean' && after.own === undefined
      ? [`The Incus of ${member} does not answer: cut off while it left, it may have to be installed anew.`]
      : []),
    ...(mode === 'forced'
      ? [`The data disk of ${member} is as it was: node-rejoin brings it back with it. Otherwise wipe it by hand.`]
      : []),
    ...after.places
      .filter(({ isThere }) => !isThere)
      .map(({ pool, source }) => `Incus has removed ${source} with pool ${pool} of ${member}.`),
    `runbook.yaml declares ${member} still: take it out, if it is not to come back.`,
    ...scope.guests.map(
      (guest) => `runbook.yaml declares guest ${guest} on ${member}: change its member, or take it out.`,
    ),
    ...scope.groups.map((group) => `runbook.yaml declares ${member} in group ${group}.`),
    ...scope.replicas.map((replica) => `runbook.yaml sends the replicas of ${replica} on ${member}.`),
    `Terraform: take ${member} out of every target, and out of the state what was there (terraform state rm).`,
  ];
}
