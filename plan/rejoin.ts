import type { ListedMember } from './formation.ts';
import type { ReplicaSeen } from './restore.ts';

/** What node-rejoin is asked for, and what it finds. Plain data, small enough for a history. */

/** What the fleet file says at the run's revision. */
export interface RejoinScope {
  member: string;
  /** Every declared member but this one. */
  others: string[];
  pools: RejoinPool[];
  /** Declared guests of the member. */
  guests: string[];
  maxClockSkew: string;
  approvalTimeout: string;
  /** Of a volume that is received back: as the fleet file writes it. */
  stallTimeout: string;
  /** Terraform is declared: it makes what is made anew by nobody else. */
  hasInfra: boolean;
  /** Copies of the members' identities are kept. */
  savesIdentities: boolean;
}

/** A storage pool on ZFS. */
export interface RejoinPool {
  name: string;
  /** `tank/incus` */
  dataset: string;
}

/** The zpool that a dataset is in. */
export const zpoolOf = (dataset: string): string => dataset.split('/')[0] ?? '';

export interface InstanceName {
  project: string;
  name: string;
}

/** The cluster as another member tells it. */
export interface RemainingCluster {
  via: string;
  version: string;
  fingerprint: string;
  members: ListedMember[];
  /** What its records place on the member: a forced removal drops them. */
  instances: InstanceName[];
  volumes: { pool: string; project: string; name: string }[];
}

/** One pool on the host. */
export interface FoundPool {
  pool: string;
  dataset: string;
  /** `importable` and `foreign`: its disks are there, and nobody has imported it since the host was installed. */
  zpool: 'imported' | 'importable' | 'foreign' | 'missing';
  /** Of an imported one: whether the dataset is there, and has anything of instances or volumes. */
  place: 'missing' | 'empty' | 'holds' | 'unknown';
  encrypted: boolean;
  /** Datasets of instances and volumes in it, by their names below the pool's dataset: `containers/web`. */
  contents: string[];
  /** What an earlier run has set aside and not moved back yet. */
  aside: { dataset: string; contents: string[] }[];
}

export type FoundIncus =
  | { type: 'member'; serverName: string; fingerprint: string; version: string }
  | { type: 'alone'; version: string; instances: string[]; pools: string[] }
  | { type: 'silent'; problem: string };

/** The host as it says of itself. */
export interface FoundHost {
  incus: FoundIncus;
  /** It has the address that the cluster lists for the member. */
  hasListedAddress: boolean;
  clockSkewMs?: number;
  pools: FoundPool[];
}

/** A saved identity of the member that could be restored. */
export interface IdentityCopy {
  place: string;
  path: string;
  /** ISO 8601. */
  takenAt: string;
}

/** A custom volume of the member that is on none of its disks, and where copies of it can be. */
export interface MissingVolume {
  pool: string;
  project: string;
  name: string;
  replicas: ReplicaSeen[];
  /** Entries of `backups` that have files of its guest in a restic repository. */
  restic: string[];
  /** What a run before this one has received of it. */
  arrivedBytes?: number;
  /** And of which snapshot, by its GUID: no other can be gone on with. */
  begun?: string;
}

/** An instance of the member that is on none of its disks. */
export interface MissingInstance extends InstanceName {
  type: 'container' | 'virtual-machine';
  /** Fingerprint of the image that it was made of, where another member has that. */
  image?: string;
  /** How it was configured is known. */
  isRecorded: boolean;
  /** That it attaches by itself, and not by a profile. */
  volumes: { pool: string; name: string }[];
}

/** What belongs on the member and is not there. */
export interface Missing {
  /** When it was looked at: ISO 8601. */
  at: string;
  volumes: MissingVolume[];
  instances: MissingInstance[];
  /** On its disks, without a record, and with a volume that is missing: Incus takes in none before its volumes. */
  waiting?: MissingInstance[];
  /** Bytes that may come to each pool, and why that is not known. */
  rooms: { pool: string; bytes?: number; problem?: string }[];
}

export interface RejoinObservation {
  cluster?: RemainingCluster;
  /** Why no other member tells of the cluster. */
  clusterProblem?: string;
  /** Members answer, and their database has no majority. */
  noQuorum?: boolean;
  host?: FoundHost;
  hostProblem?: string;
  /** Newest first. */
  copies: IdentityCopy[];
  /** Why no identity can be restored. */
  copiesProblem?: string;
  /** Absent where that cannot be told yet: its pools are not imported, or nobody knows what it had. */
  missing?: Missing;
}
