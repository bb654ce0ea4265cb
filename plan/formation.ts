import type { ClusterDeclaration } from '../fleet/schema.ts';
import type { RoleLimits } from './cluster-roles.ts';

/** What cluster-bootstrap is asked for, and what it finds. Plain data, small enough for a history. */

/** What the fleet file says at the run's revision. */
export interface FormationScope {
  /** In the order in which they join; the first forms the cluster. */
  members: { name: string; address: string }[];
  cluster: ClusterDeclaration;
  maxClockSkew: string;
  /** Copies of the members' identities are kept. Absent in runs of before. */
  savesIdentities?: boolean;
}

/** What is at the place of a declared pool. */
export interface SourceState {
  pool: string;
  /** `tank/incus`, `/data/incus` */
  source: string;
  state: 'empty' | 'missing' | 'holds' | 'of the pool';
  /** The first few of what is there. */
  found: string[];
}

export interface ListedMember {
  name: string;
  /** `https://10.0.0.11:8443` */
  url: string;
  status: string;
  message: string;
  roles: string[];
}

/** One declared member as it says of itself. What could not be asked is absent, and `problem` says why. */
export interface MemberFormation {
  name: string;
  problem?: string;
  /** A join was begun here by a run and has not come to its end. */
  interrupted: boolean;
  /** It has become a member, and no container was seen to start on it since. */
  untried?: boolean;
  version?: string;
  clockSkewMs?: number;
  clustered?: boolean;
  serverName?: string;
  /** Of its certificate: the cluster's where it is clustered, so equal on all members of one. */
  fingerprint?: string;
  /** ISO 8601. */
  certificate?: { from: string; until: string };
  /** `default/edge-vm` */
  instances: string[];
  /** The pools, networks and custom volumes that a server without a cluster has. */
  pools: { name: string; driver: string; source: string }[];
  networks: string[];
  volumes: string[];
  sources: SourceState[];
  /** Declared addresses that it cannot use, and members that it cannot reach. */
  unresolved: { address: string; reason: string }[];
  unreachable: { member: string; reason: string }[];
  /** Of a clustered one: the cluster as it lists it; absent where it does not answer. */
  cluster?: ListedMember[];
}

/** What the whole cluster has, asked of one of its members. */
export interface ClusterContents {
  /** As each Online member has them: `member/pool` → source. */
  sources: Record<string, string>;
  pools: { name: string; driver: string; status: string }[];
  networks: { name: string; kind: string; description: string; config: Record<string, string> }[];
  profiles: {
    name: string;
    description: string;
    config: Record<string, string>;
    devices: Record<string, Record<string, string>>;
  }[];
  groups: { name: string; description: string; members: string[] }[];
  config: Record<string, string>;
  /** How many may have which role. Absent in runs of before. */
  limits?: RoleLimits;
}

export interface FormationObservation {
  members: MemberFormation[];
  /** Of a cluster that is there, asked of the member that answered. */
  contents?: ClusterContents;
}

/** Where a pool lives, as Incus calls it. */
export const sourceOf = (pool: ClusterDeclaration['pools'][string]): string =>
  pool.type === 'zfs' ? pool.dataset : pool.path;
