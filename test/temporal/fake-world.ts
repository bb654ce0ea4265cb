import { ApplicationFailure } from '@temporalio/common';
import type {
  Activities,
  BackupActivities,
  FormationActivities,
  InfraActivities,
  HealthReport,
  IdentityActivities,
  KeptActivities,
  DrillActivities,
  ResolveActivities,
  ScheduleActivities,
  ReinstallActivities,
  ResticActivities,
  InPlaceActivities,
  RestoreActivities,
  RecreateActivities,
  TerraformRecreateActivities,
  DriftActivities,
  RotationActivities,
  RejoinActivities,
  QuorumActivities,
  RemovalActivities,
} from '../../activities/contract.ts';
import type { ContainerImage } from '../../plan/run.ts';
import type { Closure, SystemState, UpgradeObservation } from '../../plan/observation.ts';
import type { UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { UpgradePolicy } from '../../fleet/schema.ts';
import { createLockActivities } from '../../activities/locks.ts';

export const REVISION = 'a'.repeat(40);
export const FLEET = { revision: REVISION };

export const POLICY: UpgradePolicy = {
  backup: 'require',
  backupMaxAge: '26h',
  minFreeSpace: 10,
  maxClockSkew: '5s',
  snapshotExpiry: '7d',
  keepRuns: 3,
  reboot: 'ask',
  soak: '1s',
  betweenMembers: 'continue',
  confirmTimeout: '30s',
  activationTimeout: '240s',
  approvalTimeout: '1h',
};

const PARTS = { kernel: 'k1', initrd: 'i1', kernelModules: 'm1' };

export function system(version: string, overrides: Partial<SystemState> = {}): SystemState {
  return {
    profilePath: `/nix/store/${version}`,
    generation: 1,
    runningPath: `/nix/store/${version}`,
    booted: PARTS,
    nixosVersion: version,
    bootId: 'boot-1',
    failedUnits: [],
    activations: [],
    ...overrides,
  };
}

export function closure(version: string, overrides: Partial<Closure> = {}): Closure {
  return { path: `/nix/store/${version}`, parts: PARTS, nixosVersion: version, incusVersions: [], ...overrides };
}

/** A member with one guest that has a volume, containers and a probe: everything an upgrade can touch. */
export function scope(overrides: Partial<UpgradeScope> = {}): UpgradeScope {
  return {
    node: 'n1',
    kind: 'member',
    member: 'n1',
    targets: [
      {
        node: 'n1',
        kind: 'member',
        deploys: true,
        containers: false,
        probes: 1,
        snapshotRollback: 'never',
        project: '',
      },
      {
        node: 'g1',
        kind: 'guest',
        deploys: true,
        containers: true,
        probes: 1,
        snapshotRollback: 'ask',
        project: 'default',
      },
    ],
    policy: POLICY,
    ...overrides,
  };
}

export function observation(overrides: Partial<UpgradeObservation> = {}): UpgradeObservation {
  return {
    at: '2026-11-23T02:14:00.000Z',
    node: 'n1',
    kind: 'member',
    member: 'n1',
    members: ['n1', 'n2', 'n3'].map((name) => ({
      name,
      status: 'Online',
      message: '',
      incusVersion: '6.0.4',
      clockSkewMs: 10,
    })),
    targets: [
      { node: 'n1', kind: 'member', system: system('v1') },
      { node: 'g1', kind: 'guest', system: system('v1') },
    ],
    instances: [
      {
        project: 'default',
        name: 'g1',
        status: 'Running',
        location: 'n1',
        volumes: [{ pool: 'local', name: 'data' }],
        guest: 'g1',
      },
    ],
    pools: [{ name: 'local', driver: 'zfs', health: 'ONLINE', usedBytes: 10, totalBytes: 100 }],
    backups: [{ guest: 'g1', volume: 'data', target: 'n2', newestAt: '2026-11-23T01:00:00.000Z' }],
    health: [],
    uncommitted: [],
    ...overrides,
  };
}

const IMAGE: ContainerImage = { container: 'web', ref: 'reg/web:latest', imageId: 'old', digest: 'sha256:old' };
const HEALTHY: HealthReport = { healthy: true, findings: [{ node: 'g1', check: 'web', healthy: true, detail: '200' }] };
const SICK: HealthReport = { healthy: false, findings: [{ node: 'g1', check: 'web', healthy: false, detail: '502' }] };

/** What the world does when it is asked; a test changes what it is about. Calls are kept in order. */
export interface World {
  calls: string[];
  /** Names of what is still to be undone before the probes hold again. */
  sickUntil: string | undefined;
  healthy: boolean;
  activities: Activities;
}

const notHere = (): Promise<never> => Promise.reject(new Error('no cluster is formed in this world'));
const NO_FORMATION: FormationActivities &
  RemovalActivities &
  QuorumActivities &
  KeptActivities &
  ResolveActivities &
  DrillActivities &
  ScheduleActivities = {
  currentRevision: notHere,
  resolveQuorum: notHere,
  observeQuorum: notHere,
  haltIncus: notHere,
  keepDatabase: notHere,
  recoverDatabase: notHere,
  resumeIncus: notHere,
  listKept: notHere,
  resolveRelease: notHere,
  observeResolve: notHere,
  observeDrill: notHere,
  restoreForDrill: notHere,
  compareForDrill: notHere,
  cleanUpDrill: notHere,
  noteProof: notHere,
  keepReplicaAside: notHere,
  rollReplicaBack: notHere,
  observeRelease: notHere,
  releaseKept: notHere,
  resolveRemoval: notHere,
  observeRemoval: notHere,
  removeMember: notHere,
  forgetMember: notHere,
  resolveFormation: notHere,
  observeFormation: notHere,
  listenForCluster: notHere,
  createPool: notHere,
  createManagedNetwork: notHere,
  formCluster: notHere,
  joinCluster: notHere,
  setClusterConfig: notHere,
  setProfile: notHere,
  setGroup: notHere,
  tryMember: notHere,
  settleRoles: notHere,
};

const NO_BACKUPS: BackupActivities = {
  resolveBackup: notHere,
  observeBackup: notHere,
  listBackups: notHere,
  snapshotGroup: notHere,
  replicate: notHere,
  stopTransfer: notHere,
  pruneReplicas: notHere,
};
const NO_IDENTITIES: IdentityActivities = {
  resolveIdentities: notHere,
  observeIdentities: notHere,
  saveIdentity: notHere,
  findIdentities: notHere,
  restoreIdentity: notHere,
};
const NO_REJOIN: RejoinActivities = {
  resolveRejoin: notHere,
  observeRejoin: notHere,
  importPool: notHere,
  rememberMember: notHere,
  setAside: notHere,
  adoptIdentity: notHere,
  forgetLostMember: notHere,
  moveBack: notHere,
  recoverPools: notHere,
  remindMember: notHere,
  remakeInstance: notHere,
  awaitOnline: notHere,
  followDatabase: notHere,
  startInstances: notHere,
  endRejoin: notHere,
};

const NO_REINSTALL: ReinstallActivities = {
  resolveReinstall: notHere,
  observeReinstall: notHere,
  reinstall: notHere,
  awaitInstalled: notHere,
};

const NO_RESTORE: RestoreActivities & InPlaceActivities = {
  resolveRestore: notHere,
  listRestorable: notHere,
  observeRestore: notHere,
  resolveRestoreFiles: notHere,
  observeRestoreFiles: notHere,
  receiveVolume: notHere,
  recoverVolume: notHere,
  verifyRestored: notHere,
  stopRestore: notHere,
  makeReady: notHere,
  usersOfVolume: notHere,
  stopUsers: notHere,
  startUsers: notHere,
  takePlace: notHere,
  putOriginalBack: notHere,
  settleInPlace: notHere,
};

const NO_RESTIC: ResticActivities = {
  resolveRestic: notHere,
  observeRestic: notHere,
  backUpToRestic: notHere,
  maintainRestic: notHere,
  restoreFromRestic: notHere,
};

const NO_INFRA: InfraActivities = {
  resolveInfra: notHere,
  infraNodes: notHere,
  initInfra: notHere,
  planInfra: notHere,
  backUpState: notHere,
  applyInfra: notHere,
  endInfra: notHere,
};

const NO_RECREATION: RecreateActivities & TerraformRecreateActivities = {
  rehearseCreation: notHere,
  forgetOldInState: notHere,
  adoptGuest: notHere,
  unmarkGuest: notHere,
  saveOldInState: notHere,
  planCreation: notHere,
  planSettled: notHere,
  fenceState: notHere,
  takeBackGuest: notHere,
  putBackInState: notHere,
  resolveRecreate: notHere,
  observeRecreate: notHere,
  setGuestAside: notHere,
  createGuest: notHere,
  makeOwnKey: notHere,
  attachVolumes: notHere,
  proveOldKeyOut: notHere,
  bringBackGuest: notHere,
  endOldGuest: notHere,
};

const NO_DRIFT: DriftActivities = {
  resolveDrift: notHere,
  observeCluster: notHere,
  observeSystem: notHere,
  observeSecrets: notHere,
};

const NO_ROTATION: RotationActivities = {
  resolveRotation: notHere,
  observeRotation: notHere,
  reencryptSecrets: notHere,
  makeGuestKey: notHere,
  tryGuestKey: notHere,
  keepGuestKey: notHere,
  takeBackSecrets: notHere,
  tidyRotation: notHere,
};

export function createWorld(overrides: Partial<Activities> = {}, settings: { sickUntil?: string } = {}): World {
  const world: World = {
    calls: [],
    sickUntil: settings.sickUntil,
    healthy: true,
    activities: undefined as unknown as Activities,
  };
  const did = (call: string): void => {
    world.calls.push(call);
    if (call === world.sickUntil) world.healthy = true;
  };
  const acts: Activities = {
    ...createLockActivities(),
    sendNotice: notHere,
    ...NO_FORMATION,
    ...NO_REJOIN,
    ...NO_IDENTITIES,
    ...NO_BACKUPS,
    ...NO_REINSTALL,
    ...NO_RESTIC,
    ...NO_RESTORE,
    ...NO_INFRA,
    ...NO_RECREATION,
    ...NO_DRIFT,
    ...NO_ROTATION,
    resolveScope: () => Promise.resolve(scope()),
    resolveFleet: () => Promise.resolve({ members: ['n1', 'n2', 'n3'], guests: [], policy: POLICY }),
    observeUpgrade: () => Promise.resolve(observation()),
    buildClosure: ({ node }) =>
      Promise.resolve(closure(node === 'n1' ? 'v2' : 'v2', node === 'n1' ? { incusVersions: ['6.0.4'] } : {})),
    previewUnits: () => Promise.resolve(['caddy.service']),
    snapshotInstance: ({ instance }) => (did(`snapshot ${instance}`), Promise.resolve('created')),
    snapshotVolume: ({ volume }) => (did(`snapshot volume ${volume}`), Promise.resolve('created')),
    restoreInstance: ({ instance }) => (did(`restore snapshot ${instance}`), Promise.resolve()),
    deleteInstanceSnapshot: ({ instance }) => (did(`delete snapshot ${instance}`), Promise.resolve()),
    deleteVolumeSnapshot: ({ volume }) => (did(`delete snapshot volume ${volume}`), Promise.resolve()),
    pruneSnapshots: () => (did('prune'), Promise.resolve([])),
    deploySystem: ({ node, mode }) => (
      did(`deploy ${node} ${mode}`),
      Promise.resolve({ type: 'deployed', system: system('v2') })
    ),
    rollBackSystem: ({ node }) => (
      did(`roll back ${node}`),
      Promise.resolve({ type: 'rolled back', system: system('v1') })
    ),
    reboot: ({ node }) => (did(`reboot ${node}`), Promise.resolve(system('v2'))),
    evacuateMember: ({ member }) => (did(`evacuate ${member}`), Promise.resolve('evacuated')),
    restoreMember: ({ member }) => (did(`restore ${member}`), Promise.resolve('restored')),
    awaitIncusVersion: ({ member }) => (did(`incus of ${member}`), Promise.resolve({ restarts: 0 })),
    recordImages: () => Promise.resolve([IMAGE]),
    updateContainers: ({ node }) => {
      did(`update ${node}`);
      if (world.sickUntil !== undefined) world.healthy = false;
      return Promise.resolve([{ ...IMAGE, imageId: 'new' }]);
    },
    rollBackContainers: ({ node }) => (did(`former containers ${node}`), Promise.resolve('rolled back')),
    releaseImages: ({ node }) => (did(`release images ${node}`), Promise.resolve()),
    checkHealth: () => Promise.resolve(world.healthy ? HEALTHY : SICK),
    forgetJobs: () => (did('forget jobs'), Promise.resolve([])),
    lookAround: () => Promise.resolve([]),
    glanceAtFleet: () => Promise.resolve({ members: [], guests: [] }),
    approvalPolicy: () => Promise.resolve({ people: 1, otherThanStarter: false }),
    ...overrides,
  };
  world.activities = acts;
  return world;
}

/** A failure as activities throw it. */
export function failing(type: string, message: string): () => Promise<never> {
  return () => Promise.reject(ApplicationFailure.nonRetryable(message, type));
}
