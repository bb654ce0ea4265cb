/** What an upgrade looks at before it decides. Every field was seen, none is assumed; ages and sizes carry their unit. */

export interface MemberState {
  name: string;
  /** As Incus says: `Online`, `Offline`, `Evacuated`, `Blocked` … */
  status: string;
  message: string;
  /** Undefined where the member itself could not be asked; `problem` says why. */
  incusVersion?: string;
  problem?: string;
  /** Host clock minus worker clock, milliseconds. */
  clockSkewMs?: number;
}

/** The three store paths that only a reboot changes. */
export interface KernelParts {
  kernel: string;
  initrd: string;
  kernelModules: string;
}

/** What a NixOS machine (member or guest) runs. */
export interface SystemState {
  /** Where the system profile points to, and its number. */
  profilePath: string;
  generation: number;
  /** `/run/current-system` */
  runningPath: string;
  /** Undefined where the machine boots no kernel of its own. */
  booted?: KernelParts;
  nixosVersion: string;
  bootId: string;
  failedUnits: string[];
  /** Activations that run at this moment, whoever started them. */
  activations: string[];
}

/** What the flake at the pinned revision would make of it. */
export interface Closure {
  path: string;
  parts?: KernelParts;
  nixosVersion: string;
  /** Empty for guests, which have no Incus. */
  incusVersions: string[];
}

/** One machine that deploy-rs may deploy to. */
export interface TargetState {
  node: string;
  kind: 'member' | 'guest';
  /** Not looked at where nothing is deployed. */
  system?: SystemState;
  /** Why `system` could not be read. */
  problem?: string;
  /** What keeps deploy-rs from logging in there. */
  login?: LoginTrouble;
}

export interface LoginTrouble {
  /** A deployment would fail; if not, it depends on the flake. */
  fatal: boolean;
  message: string;
  whatToDo: string;
}

export interface InstanceState {
  project: string;
  name: string;
  status: string;
  location: string;
  volumes: { pool: string; name: string }[];
  /** Names of the fleet file's guest, undefined for an instance that it does not declare. */
  guest?: string;
}

export interface PoolState {
  name: string;
  driver: string;
  /** `ONLINE`, `DEGRADED` … for ZFS; undefined where the driver has no such notion. */
  health?: string;
  usedBytes: number;
  totalBytes: number;
}

export interface BackupState {
  guest: string;
  volume: string;
  /** Where the copy is: `nuc-1 zpool/replicas/edge-data`, `restic sftp:…` (without credentials). */
  target: string;
  /** ISO 8601; undefined with a `problem` where none was found. */
  newestAt?: string;
  problem?: string;
  /** The machine that would know could not be asked. */
  unseen?: true;
}

/** What one probe or check said. */
export interface Finding {
  node: string;
  /** The probe as a person would name it: `https://edge.lan/health`, `unit caddy.service`, `cluster`. */
  check: string;
  healthy: boolean;
  detail: string;
}

export interface UpgradeObservation {
  at: string;
  node: string;
  kind: 'member' | 'guest';
  member: string;
  members: MemberState[];
  /** Why it is believed that the cluster has no quorum; nothing can be read from it then. */
  noQuorum?: string;
  targets: TargetState[];
  instances: InstanceState[];
  pools: PoolState[];
  backups: BackupState[];
  /** One look at every probe: what is unhealthy already does not count against the upgrade. */
  health: Finding[];
  /** Files of the worker's clone that are in no commit: they are not deployed. */
  uncommitted: string[];
  /** Why it is believed that Temporal or this worker runs on this node; undefined if it does not. */
  orchestratorHere?: string;
}
