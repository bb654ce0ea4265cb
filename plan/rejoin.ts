import type { ListedMember } from './formation.ts';

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
}
