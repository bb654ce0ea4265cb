import { FAILURES } from './failures.ts';
import type { FormationObservation, FormationScope } from './formation.ts';
import type { PlannedInfra } from './infra.ts';
import type { Closure, MemberState, SystemState } from './observation.ts';
import type { Problem } from './problem.ts';
import type { SecretsFacts } from './secrets.ts';

/** What `drift` looks at and what it tells. Plain data, small enough for a history; nothing of it is secret. */

/** Of what a row is. `unknown`: it could not be looked at, and `found` says why. */
export const DRIFT_KINDS = ['cluster', 'guest', 'snapshots', 'nixos', 'terraform', 'secrets', 'unknown'] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** One thing that is not as declared. */
export interface DriftRow {
  kind: DriftKind;
  /** `edge-vm`, `volume zpool/edge-data`, `profile default`, `incus_instance.edge` */
  subject: string;
  /** The member, `cluster`, or `monorepo`. */
  where: string;
  declared: string;
  found: string;
  /** With the command to type, where there is one. */
  whatToDo: string;
}

/** What instances and volumes are to have. Where nothing is declared, any value will do, but there has to be one. */
export interface SnapshotRule {
  schedule?: string | undefined;
  expiry?: string | undefined;
}

/** A guest as the fleet file declares it. */
export interface DriftGuest {
  name: string;
  project: string;
  member: string;
  type: 'virtual-machine' | 'container';
  volumes: { pool: string; name: string }[];
  snapshots: SnapshotRule;
}

/** What the fleet file says at the run's revision, of the whole fleet or of one node. */
export interface DriftScope {
  /** A member with the guests on it, or a guest. Absent: everything. */
  node?: string;
  members: string[];
  guests: DriftGuest[];
  /** Guests that are declared and not looked at: `default/edge-vm`. */
  elsewhere: string[];
  /** What deploy-rs deploys: members, and those guests for which it is declared. */
  systems: string[];
  /** Members that have a folder of Terraform's. */
  infra: string[];
  /** What the cluster is to have; absent where nothing is declared, or of one node. */
  formation?: FormationScope;
  /** Of instances and volumes for which nothing else is declared. */
  snapshots: SnapshotRule;
  /** Files are looked at. */
  secrets: boolean;
}

/** An instance as Incus lists it. */
export interface SeenInstance {
  name: string;
  project: string;
  type: 'virtual-machine' | 'container';
  /** `Error` where its member is away: nothing else is known of it then. */
  status: string;
  location: string;
  volumes: { pool: string; name: string }[];
  /** `snapshots.schedule` and `snapshots.expiry`, its own or of its profiles. */
  schedule?: string;
  expiry?: string;
}

/** A custom volume as Incus lists it. */
export interface SeenVolume {
  pool: string;
  name: string;
  project: string;
  location: string;
  schedule?: string;
  expiry?: string;
}

/** The cluster as its members tell it. A list that could not be had is its problem. */
export interface ClusterSeen {
  /** Declared or not. */
  members: MemberState[] | Problem;
  instances: SeenInstance[] | Problem;
  volumes: SeenVolume[] | Problem;
  /** Members with guests that are not there and may come back by a rejoin, and why; absent where there are none. */
  onTheirWay?: Record<string, string>;
  /** Where a section `cluster` is looked at. */
  formation?: FormationObservation | Problem;
}

/** What one machine runs, and what the flake makes of it at the run's revision. */
export interface SystemSeen {
  node: string;
  system: SystemState | Problem;
  /** Absent where the machine itself could not be looked at. */
  closure?: Closure | Problem;
}

/** What Terraform would do to what a member carries. */
export interface InfraSeen {
  node: string;
  plan: PlannedInfra | Problem;
}

/** What was seen, part by part; a part that could not be had as a whole is its problem. */
export interface DriftObservation {
  /** Of the systems that would be deployed: short. */
  revision: string;
  /** ISO 8601. */
  at: string;
  cluster: ClusterSeen | Problem;
  systems: SystemSeen[];
  infra: InfraSeen[];
  secrets?: SecretsFacts | Problem;
}

/** A part that could not be had. */
export const isProblem = (part: object): part is Problem => 'whatToDo' in part;

/** What could not be looked at, and why. Nobody waits for what passes by itself: a look says what is wrong there. */
export function unknownRow(
  subject: string,
  where: string,
  problem: Pick<Problem, 'message' | 'whatToDo'> & Partial<Problem>,
): DriftRow {
  const passes = problem.type !== undefined && FAILURES[problem.type].retryable;
  return {
    ...{ kind: 'unknown', subject, where, declared: '?' },
    found: problem.message.split('\n')[0] ?? '',
    whatToDo: passes ? doctorFor(where) : problem.whatToDo,
  };
}

const NO_NODE = ['cluster', 'monorepo'];
export const doctorFor = (where: string): string =>
  NO_NODE.includes(where) ? 'runbook doctor' : `runbook doctor --node ${where}`;

export const isUnknown = ({ kind }: DriftRow): boolean => kind === 'unknown';
