import { quorumGates, type QuorumGate } from './quorum-gates.ts';
import type { StepView } from './run.ts';

/** What quorum-recover is asked for, what it finds, and what it makes of it. Plain data. */

/** What the fleet file says at the run's revision. */
export interface QuorumScope {
  /** The survivor that is to carry the cluster's database on. */
  member: string;
  /** Every other declared member. */
  others: string[];
  approvalTimeout: string;
}

/** A member of the database, as it is written on a member's disk. */
export interface RaftMember {
  name: string;
  /** `10.0.0.11:8443` */
  address: string;
  /** `voter`, `stand-by`, `spare` */
  role: string;
}

export interface DatabaseOnDisk {
  /** The newest closed part of its log; absent where it has none. */
  segment?: number;
  members: RaftMember[];
}

/**
 * What a member's Incus says when it is asked for the cluster. `none`: it waits for a leader. `alone`: it is a server of its own.
 * `down`: no daemon runs. `unclear`: it said something else.
 */
export type Voice =
  | { type: 'leader'; members: { name: string; status: string }[] }
  | { type: 'none' | 'alone' }
  | { type: 'down' | 'unclear'; problem: string };

/** An instance that runs, by its own process: Incus is not asked for it. */
export interface RunningInstance {
  pid: number;
  /** `lxc monitor g1`, `qemu-system-x86_64 edge-vm` */
  what: string;
}

export interface QuorumMember {
  name: string;
  /** `lives`: it gives a sign of life, and nobody can log in. */
  reach: 'ssh' | 'lives' | 'silent';
  sign: string;
  voice?: Voice;
  /** Its Incus was stopped by a run, which has not started it again. */
  isHeld: boolean;
  /** A run has made it the only one that votes. */
  isRecovered: boolean;
  database?: DatabaseOnDisk;
  databaseProblem?: string;
  instances: RunningInstance[];
}

export interface QuorumObservation {
  /** The survivor first. */
  members: QuorumMember[];
  /** How often each was asked for a leader, in how many seconds. */
  looks: number;
  overSeconds: number;
}

/**
 * `finish`: a run has brought the leader back, and members whose Incus it has stopped are left. `none`: a run has done all of it.
 */
export type QuorumMode = 'recover' | 'finish' | 'none';

export interface QuorumPlan {
  mode: QuorumMode;
  gates: QuorumGate[];
  refusals: QuorumGate[];
  /** Whose Incus is stopped, and started again; the survivor last. */
  stops: string[];
  /** That give no sign of life: a person has to say that they are gone. */
  gone: string[];
  /** That were installed anew, and are no members any more. */
  apart: string[];
  steps: StepView[];
}

/** What lets the survivor carry on. Pure. */
export function planQuorum(scope: QuorumScope, observation: QuorumObservation): QuorumPlan {
  const { member } = scope;
  const mode = modeOf(scope, observation);
  const gates = mode === 'recover' ? quorumGates(scope, observation) : [];
  const others = observation.members.filter(({ name }) => name !== member);
  const mine = others.filter(({ reach, voice }) => reach === 'ssh' && voice?.type !== 'alone');
  const stops = [...(mode === 'recover' ? mine : mine.filter(({ isHeld }) => isHeld)).map(({ name }) => name), member];
  return {
    mode,
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    stops,
    gone: others.filter(({ reach }) => reach === 'silent').map(({ name }) => name),
    apart: others.filter(({ voice }) => voice?.type === 'alone').map(({ name }) => name),
    steps: mode === 'none' ? [] : quorumSteps(member, mode, stops),
  };
}

/** A leader that no run has brought back is for the gates to judge. */
function modeOf({ member }: QuorumScope, { members }: QuorumObservation): QuorumMode {
  const isLed = members.some(({ voice }) => voice?.type === 'leader');
  if (!isLed || !members.some(({ name, isRecovered }) => name === member && isRecovered)) return 'recover';
  return members.some(({ isHeld }) => isHeld) ? 'finish' : 'none';
}

export type QuorumStepId = `stop-${string}` | 'keep' | 'recover' | `start-${string}`;

function quorumSteps(member: string, mode: 'recover' | 'finish', stops: readonly string[]): StepView[] {
  const step = (id: QuorumStepId, title: string): StepView => ({ id, phase: 'recover', title, state: 'pending' });
  const started = [member, ...stops.filter((name) => name !== member)];
  return [
    ...(mode === 'finish'
      ? []
      : [
          ...stops.map((name) => step(`stop-${name}`, `the Incus of ${name} is stopped; its instances run on`)),
          step('keep', `a copy of the database of ${member} is set aside`),
          step('recover', `${member} carries the database on, alone`),
        ]),
    ...started.map((name) => step(`start-${name}`, `the Incus of ${name} is started`)),
    { id: 'verify', phase: 'verify', title: 'a leader, members, instances', state: 'pending' },
  ];
}

/** Instances that ran when it was stopped and do not any more, by member. */
export function lostInstances(
  before: readonly Pick<QuorumMember, 'name' | 'instances'>[],
  after: readonly Pick<QuorumMember, 'name' | 'instances'>[],
): string[] {
  return before.flatMap(({ name, instances }) => {
    const now = after.find((member) => member.name === name)?.instances ?? [];
    return instances.filter(({ pid }) => !now.some((each) => each.pid === pid)).map(({ what }) => `${what} on ${name}`);
  });
}

/** Whom the leader lists, or nobody. */
export function listedBy({ members }: QuorumObservation): { name: string; status: string }[] {
  for (const { voice } of members) if (voice?.type === 'leader') return voice.members;
  return [];
}
