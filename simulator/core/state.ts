/** What a simulation knows, as one JSON value. The system profiles and files of hosts are files of their own, under `machines/`. */

export interface State {
  /** Members and guests by name. */
  machines: Record<string, Machine>;
  /** The Incus database: what is cluster-wide. */
  cluster: Cluster;
  /** What a registry holds: image reference → image. */
  registry: Record<string, Image>;
  /** Every image there ever was, by digest: a tag moves on, the digest's health does not. */
  images: Record<string, Image>;
  faults: Fault[];
  /** Of restic, by address; those that are a folder by machine and path: `nuc-1:/root/repository`. */
  repositories?: Record<string, Repository>;
  /** Multiplies the durations of activations and the like; 0 makes them instant. */
  pace: number;
}

export interface Repository {
  password: string;
  /** Nobody may delete. */
  appendOnly?: true;
  snapshots: ResticSnapshot[];
  locks: ResticLock[];
  /** A check says so. */
  damage?: string;
}

export interface ResticSnapshot {
  id: string;
  /** ISO 8601. */
  time: string;
  hostname: string;
  paths: string[];
  tags: string[];
  /** Path → content, base64. */
  files: Record<string, string>;
}

/** `dead`: its process is no more, so that `unlock` removes it. */
export interface ResticLock {
  id: string;
  exclusive: boolean;
  dead: boolean;
}

export interface Machine {
  name: string;
  kind: 'member' | 'guest';
  address: string;
  /** `cut off`: it runs, and nothing reaches it. */
  power: 'on' | 'off' | 'cut off';
  bootId: string;
  machineId: string;
  /** ISO 8601. */
  bootedAt: string;
  clockOffsetMs: number;
  units: Record<string, Unit>;
  containers: Record<string, Container>;
  /** The engine's own images: reference → digest. */
  images: Record<string, string>;
  /** Where HTTP is answered inside this machine. */
  endpoints: Endpoint[];
  datasets: Record<string, Dataset>;
  /** Its zpools, where Incus's pools do not say which there are. */
  zpools?: Record<string, Pool>;
  /** Of a member that was installed without a cluster, also after it has joined one. */
  incus?: Server;
  /** Of a member. */
  disks?: Disk[];
  /** It runs an installer, from another medium than its disks. `units`: those of the system that it had. */
  installer?: { units: Record<string, Unit> };
  /** Whose host key its sshd has, where that is not its own. */
  hostKey?: string;
}

/** A disk or a part of one. */
export interface Disk {
  path: string;
  sizeBytes: number;
  serial?: string;
  fstype?: string;
  label?: string;
  /** Pools that labels of ZFS name which lsblk does not see: those of an earlier use. */
  oldLabels?: string[];
  parts?: Disk[];
}

/** An Incus that began without a cluster. */
export interface Server {
  /** What its daemon runs; once it is a member of the cluster, that is in there. */
  version: string;
  /** Its database; absent while it is a member of the simulation's cluster. */
  database?: Cluster;
  /** Where it listens, `10.0.0.11:8443`; absent where it does not. */
  listens?: string;
  /** What of the configuration is its own: `core.https_address`, `cluster.https_address`. */
  addresses: Record<string, string>;
  /** Its network interfaces for networks of Incus: a daemon that is killed leaves them, a reboot does not. */
  bridges?: string[];
  /** `running`: its daemon stops for good when it is restarted now; `stuck`: it was, and its daemon never answers. */
  join?: 'running' | 'stuck';
}

export interface Unit {
  description: string;
  active: 'active' | 'activating' | 'inactive' | 'failed';
  sub: string;
  /** `transient`: made by systemd-run, gone with a stop or a reboot. */
  origin: 'installed' | 'transient';
  result: string;
  execMainStatus: number;
  /** The process of a transient unit, and what it left. */
  pid: number;
  invocationId: string;
  startedAt: string;
  /** What starting it starts. */
  container?: string;
  properties: Record<string, string>;
}

export interface Container {
  engine: 'podman' | 'docker';
  image: string;
  /** What it was created from. */
  digest: string;
  running: boolean;
  id: string;
  startedAt: string;
  /** The compose project that it belongs to. */
  project?: { name: string; file: string; service: string };
}

export interface Image {
  digest: string;
  /** A container from an unhealthy image runs and answers 502. */
  healthy: boolean;
}

export interface Endpoint {
  port: number;
  path: string;
  /** Answers 200 while all of these run healthy images and units are active. */
  containers: string[];
  units: string[];
}

export interface Dataset {
  snapshots: Record<string, DatasetSnapshot>;
  bookmarks?: Record<string, DatasetPoint>;
  /** Of users, of its own. */
  properties?: Record<string, string>;
  mounted?: boolean;
  /** What Incus's volume had in it, where it was renamed out of its place. */
  content?: string;
  /** `filesystem` where it is absent. */
  type?: 'volume';
  readonly?: boolean;
  /** Encrypted, and whether its key is loaded. */
  key?: 'available' | 'unavailable';
  /** Bytes since the newest snapshot. */
  written?: number;
  /** No raw increment fits any more. */
  rawBroken?: boolean;
  /** What a receive has left that was interrupted, or is still at work while its process lives. */
  partial?: PartialReceive;
}

/** A moment of a dataset: numbers of 64 bits are texts; where they are absent, they follow from the name. */
export interface DatasetPoint {
  /** Seconds since 1970. */
  creation: number;
  guid?: string;
  createtxg?: string;
}

export interface DatasetSnapshot extends DatasetPoint {
  /** Stands for all data in it; `as created` where it is absent. */
  content?: string;
  /** There is something in it that the one before has not. */
  changed?: boolean;
  /** What was cloned from it. */
  clones?: string[];
  /** By how many holds it is kept beside those with these tags. */
  holds?: number;
  tags?: string[];
}

export interface PartialReceive {
  token: string;
  pid: number;
  /** It would have been the first snapshot: the dataset goes with it. */
  initial: boolean;
}

export interface Cluster {
  members: Record<string, ClusterMember>;
  instances: Record<string, Instance>;
  volumes: Record<string, Volume>;
  pools: Record<string, Record<string, Pool>>;
  config: Record<string, string>;
  networks: Record<string, Network>;
  profiles: Record<string, Profile>;
  /** Those beside `default`. */
  groups: Record<string, Group>;
  /** The secret of the last token for each name. */
  tokens: Record<string, string>;
  /** Who has a vote on its leader; every member where it is absent. */
  voters?: string[];
  /** Aliases of the images that it has itself. */
  aliases: string[];
  /** Images that it has itself, by fingerprint: who has their files. */
  images?: Record<string, { type: Instance['type']; members: string[] }>;
  /** Nobody is given another role in the database. */
  leaderIsIdle?: boolean;
}

export interface Network {
  description: string;
  config: Record<string, string>;
}

export interface Profile {
  description: string;
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
}

export interface Group {
  description: string;
  members: string[];
}

export interface ClusterMember {
  /** Where it is called otherwise than its machine. */
  machine?: string;
  /** What its daemon runs; it changes when `incus.service` restarts on another closure. */
  version: string;
  evacuated: boolean;
  /** What the evacuation stopped, to be started by the restore. */
  stoppedByEvacuation: string[];
  description: string;
  /** What it has in the database, until the leader gives it another: `voter` where it is absent. */
  role?: 'voter' | 'standby' | 'spare';
  /** So many starts of a new version die in a database patch ("database is locked"), and their unit hangs. */
  failingPatches?: number;
}

export interface Pool {
  /** Absent: `zfs`, in the dataset `incus` of the zpool that is called like the pool. */
  driver?: string;
  source?: string;
  status: 'Created';
  health: string;
  usedBytes: number;
  totalBytes: number;
}

export interface Instance {
  name: string;
  project: string;
  type: 'container' | 'virtual-machine';
  location: string;
  status: 'Running' | 'Stopped' | 'Frozen';
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
  createdAt: string;
  /** Stands for all data on the root disk: whatever a test writes here comes back with a snapshot. */
  content: string;
  snapshots: Record<string, InstanceSnapshot>;
}

export interface InstanceSnapshot {
  createdAt: string;
  /** ISO 8601, or the zero time where it is kept. */
  expiresAt: string;
  content: string;
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
  machine: Machine | undefined;
}

export interface Volume {
  pool: string;
  name: string;
  project: string;
  location: string;
  contentType: 'filesystem' | 'block';
  config: Record<string, string>;
  createdAt: string;
  content: string;
  snapshots: Record<string, { createdAt: string; expiresAt: string; content: string }>;
  /** What ZFS knows of it where the pool is one of ZFS; its snapshots follow those of the volume. */
  dataset?: Dataset;
  /** `away`: its dataset was renamed out of its place. `other`: one was renamed into it, whose snapshots are its own. */
  renamed?: 'away' | 'other';
}

/**
 * `fail`: the tool prints and exits without effect. `hang`: never ends. `pause`: waits for its release, so that a test can
 * kill something exactly there. `slow`: takes longer. `unreachable`: no connection. `drop`: the connection breaks.
 */
export type FaultKind =
  | { type: 'fail'; exitCode: number; stderr: string }
  | { type: 'hang' }
  | { type: 'pause' }
  | { type: 'slow'; ms: number }
  | { type: 'unreachable' }
  | { type: 'drop' };

export interface Fault {
  id: string;
  /** Absent: on any. `worker` is where `nix` and `deploy` run. */
  machine?: string;
  tool?: string;
  /** A regular expression that the arguments, joined by blanks, have to match. */
  args?: string;
  when: 'before' | 'after';
  /** Matching calls that pass first. */
  skip: number;
  /** How often it strikes from then on; `always` where absent. */
  times?: number;
  /** Calls that it struck. */
  struck: number;
  effect: FaultKind;
}
