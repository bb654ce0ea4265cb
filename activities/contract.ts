/**
 * The verbs that workflows may use. Each may run twice, may be killed at any instruction and may find its own
 * half-done work: it looks, then acts, then verifies. Failures carry a type of plan/failures.ts.
 */
import type { Check } from '../plan/checks.ts';
import type { OldGuest, RecreateObservation, RecreateScope } from '../plan/recreate.ts';
import type { PlannedCreation } from '../plan/recreate-terraform.ts';
import type { RotationObservation, RotationScope } from '../plan/rotation.ts';
import type { FormationObservation, FormationScope } from '../plan/formation.ts';
import type { IdentityObservation, IdentityScope, SavedIdentity, StoredIdentity } from '../plan/identity.ts';
import type { AppliedInfra, InfraScope, PlannedInfra } from '../plan/infra.ts';
import type { FleetGlance } from '../plan/glance.ts';
import type { Notice } from '../plan/notice.ts';
import type { KeptView } from '../plan/kept.ts';
import type { ClusterSeen, DriftScope } from '../plan/drift-seen.ts';
import type { Problem } from '../plan/problem.ts';
import type { SecretsFacts } from '../plan/secrets.ts';
import type { BackupsView } from '../plan/backups-view.ts';
import type { BackupObservation, BackupScope, ReplicaPair, SnapshotGroup } from '../plan/nightly-backup.ts';
import type { Closure, Finding, SystemState, UpgradeObservation } from '../plan/observation.ts';
import type { PoolPlace, RemovalObservation, RemovalScope } from '../plan/member-removal.ts';
import type { RollingInput } from '../plan/order.ts';
import type { ReinstallObservation, ReinstallScope } from '../plan/reinstall.ts';
import type { QuorumObservation, QuorumScope } from '../plan/quorum.ts';
import type { RejoinPlan } from '../plan/node-rejoin.ts';
import type { Remade } from '../plan/rejoin-missing.ts';
import type { RejoinObservation, RejoinScope } from '../plan/rejoin.ts';
import type { RestorableView } from '../plan/restorable.ts';
import type { RestoreFilesObservation, RestoreFilesScope, RestoreFilesWish } from '../plan/restore-files.ts';
import type { VolumeUser } from '../plan/restore-in-place.ts';
import type { Restoration, RestoreObservation, RestoreScope, RestoreWish } from '../plan/restore.ts';
import type { ResticBackupResult, ResticMaintenanceResult, ResticObservation, ResticScope } from '../plan/restic.ts';
import type { ContainerImage, CopyView } from '../plan/run.ts';
import type { ReleaseObservation, ReleaseScope } from '../plan/release-kept.ts';
import type { CopyProof, DrillCopy } from '../plan/restore-drill.ts';
import type { ApprovedLoss, ResolveObservation } from '../plan/replica-resolve.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import type { DoctorInput, FleetRef, GlanceInput, RestorableInput } from '../workflows/messages.ts';
import type { ApprovalRule } from '../plan/who-approves.ts';

/** Which run asks: jobs, snapshots and tags are named after it. */
export interface RunRef {
  fleet: FleetRef;
  /** `runbook-20261123-0214-3f9c` */
  name: string;
}

export interface NodeRef extends RunRef {
  node: string;
}

export interface InstanceRef extends RunRef {
  member: string;
  project: string;
  instance: string;
}

export interface VolumeRef extends RunRef {
  member: string;
  project: string;
  pool: string;
  volume: string;
}

export interface HealthInput extends RunRef {
  /** Members and guests whose probes are asked. */
  nodes: string[];
  /** Failed units that were there before, by node: only new ones count. */
  failedBefore: Record<string, string[]>;
  allowOffline: string[];
  member: string;
  /** `brief`: some seconds, so that one bad moment is not taken for a state. `patient`: each probe's own time. */
  patience: 'brief' | 'patient';
}

export interface HealthReport {
  healthy: boolean;
  /** One line per probe or check, those that failed first. */
  findings: Finding[];
}

export interface ObserveActivities {
  /** What the fleet file at this revision says about the node. Fails as BadConfig. */
  resolveScope(input: { fleet: FleetRef; node: string }): Promise<UpgradeScope>;
  /** Members in the order in which they are to be upgraded. */
  resolveFleet(input: { fleet: FleetRef }): Promise<RollingInput & { policy: UpgradeScope['policy'] }>;
  /** Looks at members, machines, instances, pools, backups. What cannot be reached is part of the answer. */
  observeUpgrade(input: { run: RunRef; scope: UpgradeScope }): Promise<UpgradeObservation>;
  /** Builds the node's system on the worker; the job survives the worker. Fails as BuildFailed. */
  buildClosure(input: NodeRef): Promise<Closure>;
  /** Units that a switch to the node's new system would restart. Copies the closure there, changes nothing else. */
  previewUnits(input: NodeRef): Promise<string[]>;
}

export interface SnapshotActivities {
  snapshotInstance(input: InstanceRef & { snapshot: string; expiresAt: string }): Promise<'created' | 'already there'>;
  snapshotVolume(input: VolumeRef & { snapshot: string; expiresAt: string }): Promise<'created' | 'already there'>;
  /** Stops the instance, reverts its disk and these volumes to the snapshot, starts it. Loses what was written since. */
  restoreInstance(input: InstanceRef & { snapshot: string; volumes: { pool: string; name: string }[] }): Promise<void>;
  /** Deletes one snapshot that a run of runbook made; any other name is refused. Gone already is fine. */
  deleteInstanceSnapshot(input: InstanceRef & { snapshot: string }): Promise<void>;
  deleteVolumeSnapshot(input: VolumeRef & { snapshot: string }): Promise<void>;
  /** Deletes snapshots that earlier runs of runbook made, but for the newest `keepRuns`. Returns what was deleted. */
  pruneSnapshots(input: RunRef & { scope: UpgradeScope; keepRuns: number }): Promise<string[]>;
}

export interface DeployInput extends NodeRef {
  before: SystemState;
  closure: Closure;
  mode: 'switch' | 'boot';
  /** Off only where all members change together and none can go back. */
  magicRollback: boolean;
}

export interface Deployed {
  type: 'deployed' | 'already';
  system: SystemState;
  /** The system is there and its activation failed all the same, as without a way back it can: what deploy-rs said. */
  complaint?: string;
}

export interface DeployActivities {
  /** deploy-rs for one node, judged by the host afterwards. Fails as ActivationFailed or MagicRollback. */
  deploySystem(input: DeployInput): Promise<Deployed>;
  /**
   * Back to the system of `before`, by generation; `boot` only sets what boots next. Where a deployment may have been
   * `interrupted`, also a machine that looks as before is activated: its boot loader may have been changed already.
   */
  rollBackSystem(
    input: NodeRef & { before: SystemState; mode: 'switch' | 'boot'; interrupted: boolean },
  ): Promise<{ type: 'rolled back' | 'already'; system: SystemState }>;
  /** Restarts the machine if it still runs the boot `bootId`, and waits until it is back with the wanted system booted. */
  reboot(input: NodeRef & { bootId: string }): Promise<SystemState>;
}

export interface AwaitedIncus {
  member: string;
  version: string;
  /** The member's new system, which brings that version: its store path. */
  system: string;
}

export interface MemberActivities {
  /** Takes the member out of service by stopping its instances. `already`: somebody else had, and it stays theirs. */
  /** `already`: not by this run, which leaves it so. */
  evacuateMember(input: RunRef & { member: string }): Promise<'evacuated' | 'already'>;
  restoreMember(input: RunRef & { member: string }): Promise<'restored' | 'already'>;
  /**
   * Waits until the member's Incus answers with this version, and restarts an incus.service whose start hangs or
   * failed (a database patch that found the database locked), or that an interrupted activation of `system` did not come
   * to. Returns how often it had to.
   */
  awaitIncusVersion(input: RunRef & AwaitedIncus): Promise<{ restarts: number }>;
}

interface OfMember extends RunRef {
  member: string;
}
/** Of the whole cluster, told to one of its members. */
interface OfCluster extends RunRef {
  via: string;
}
export type Reached = 'done' | 'already';

export interface FormationActivities {
  /** What the fleet file at this revision says about the cluster. Fails as BadConfig where it says nothing. */
  resolveFormation(input: { fleet: FleetRef }): Promise<FormationScope>;
  /** Every declared member as it says of itself. Changes nothing; what cannot be reached is part of the answer. */
  observeFormation(input: RunRef): Promise<FormationObservation>;
  /** Lets the member's Incus listen on its declared address. */
  listenForCluster(input: OfMember): Promise<Reached>;
  /** On a server that is not clustered yet. Another pool of that name is Unexpected. */
  createPool(input: OfMember & { pool: string }): Promise<Reached>;
  createManagedNetwork(input: OfMember & { network: string }): Promise<Reached>;
  /** A cluster of one. */
  formCluster(input: OfMember): Promise<Reached>;
  /**
   * The member joins and is Online. An earlier join that was interrupted is waited for, and taken back where it does not
   * end (`anew`). Its token is minted here and goes nowhere else.
   */
  joinCluster(input: OfMember & { via: string }): Promise<Reached | 'anew'>;
  setClusterConfig(input: OfCluster & { keys: string[] }): Promise<Reached>;
  /** Makes it, or fills one that is empty; one that somebody has filled stays as it is. */
  setProfile(input: OfCluster & { profile: string }): Promise<Reached>;
  /** Makes it, or adds the members that it lacks. */
  setGroup(input: OfCluster & { group: string }): Promise<Reached>;
  /** Launches a container of this name on the member and deletes it again. Fails as Unhealthy. */
  tryMember(input: OfMember & { via: string; instance: string }): Promise<void>;
  /** Waits until the roles of the database are as Incus hands them out to so many members. Fails as Unhealthy. */
  settleRoles(input: OfCluster): Promise<Reached>;
}

export interface RejoinActivities {
  /** What the fleet file at this revision says of the member. Fails as BadConfig where that is not enough. */
  resolveRejoin(input: { fleet: FleetRef; member: string }): Promise<RejoinScope>;
  /**
   * The cluster as another member tells it, and the host. Changes nothing; what cannot be had is part of the answer.
   * `anew`: saved identities are not looked for.
   */
  observeRejoin(input: OfMember & { anew: boolean }): Promise<RejoinObservation>;
  /** `force`: also one that another system had. */
  importPool(input: OfMember & { zpool: string; force: boolean }): Promise<Reached>;
  /** Writes down on the member what only the cluster knows of it; what is declared, where that has forgotten it already. */
  rememberMember(input: OfMember & { via: string; isForgotten?: true }): Promise<Reached>;
  /** The pool's dataset gets a name of the run, and an empty one takes its place. `at`: ISO 8601. */
  setAside(input: OfMember & { pool: string; at: string }): Promise<Reached>;
  /**
   * The member goes on as who it was: a saved identity that is staged on it takes the place of what its new Incus has made
   * for itself, which is set aside there. One of another cluster is GateRefused.
   */
  adoptIdentity(input: OfMember & { via: string; staged: string }): Promise<Reached>;
  /** A removal by force, of a member that is Offline. */
  forgetLostMember(input: OfMember & { via: string }): Promise<Reached>;
  /** What was set aside, back to where Incus looks for it, but what is to be left there. Returns how many datasets. */
  moveBack(input: OfMember & { pool: string; leave?: string[] }): Promise<number>;
  /** Records of what is on the disks. Returns what was recovered. */
  recoverPools(input: OfMember & { pools: string[] }): Promise<string[]>;
  /** Gives back what was written down: configuration of volumes, groups, configuration of the member. */
  remindMember(input: OfMember & { via: string }): Promise<Reached | 'nothing known'>;
  /** An instance as it was written down, of an image of the cluster, and not started. `already`: Incus has it. */
  remakeInstance(input: OfMember & { instance: Remade }): Promise<Reached>;
  awaitOnline(input: OfMember & { via: string }): Promise<Reached>;
  /** The member's own part of the database answers; where it does not, Incus was `restarted` on the leader's host. */
  followDatabase(input: OfMember & { via: string }): Promise<{ restarted?: string }>;
  startInstances(input: OfMember): Promise<{ started: string[]; running: string[]; held: string[] }>;
  /**
   * Removes the notes but those of what is `missing` still, by their names as people read them, and an identity that was
   * staged. What ran stays written down until it was started. Returns the datasets that stay set aside; one that has something of
   * `leave` is not closed.
   */
  endRejoin(input: OfMember & { missing?: RejoinPlan['lost']; unseen?: string[]; leave?: string[] }): Promise<string[]>;
}

export interface RemovalActivities {
  /** What the fleet file at this revision says about the member. Fails as BadConfig for a name that is no member of it. */
  resolveRemoval(input: { fleet: FleetRef; member: string }): Promise<RemovalScope>;
  /**
   * The member as the others list it, what is on it, and whether it lives: one that is silent is looked at for a while.
   * `places`: where its pools were, to be looked at also once it is no member.
   */
  observeRemoval(input: OfMember & { places: Pick<PoolPlace, 'pool' | 'source'>[] }): Promise<RemovalObservation>;
  /** It leaves, and is a server of its own afterwards. Incus deletes its pools: `GateRefused` where they hold anything. */
  removeMember(input: OfMember & { via: string }): Promise<Reached>;
  /** The others forget it. `GateRefused` where it lives, or more would be forgotten than these records. */
  forgetMember(input: OfMember & { via: string; records: string[] }): Promise<Reached>;
}

export interface QuorumActivities {
  resolveQuorum(input: { fleet: FleetRef; member: string }): Promise<QuorumScope>;
  /**
   * Every declared member: whether it lives, what its Incus says of a leader, asked `looks` times, what is on its disk. Changes
   * nothing; what cannot be had is part of the answer.
   */
  observeQuorum(input: OfMember & { looks: number }): Promise<QuorumObservation>;
  /** Only its daemon: its instances run on. */
  haltIncus(input: OfMember): Promise<Reached>;
  /** Returns the folder of the member that has the copy. */
  keepDatabase(input: OfMember): Promise<string>;
  /** Of a member whose Incus is halted. `GateRefused` where it runs again. */
  recoverDatabase(input: OfMember): Promise<Reached>;
  /** Starts what was halted, and waits until `via` lists it as Online. */
  resumeIncus(input: OfMember & { via: string }): Promise<Reached>;
}

/** Something that a run has set aside: a dataset, or the name of a folder. */
interface OfKept {
  member: string;
  kept: string;
}

export interface KeptActivities {
  /** Of every member, within some seconds. What does not answer is part of the answer. */
  listKept(input: { fleet: FleetRef }): Promise<KeptView>;
  resolveRelease(input: { fleet: FleetRef } & OfKept): Promise<ReleaseScope>;
  observeRelease(input: RunRef & OfKept): Promise<ReleaseObservation>;
  /** Destroys it, with all that is below it. `GateRefused` where it may not be. */
  releaseKept(input: RunRef & OfKept): Promise<Reached>;
}

/** The replica of one volume on one host. */
export interface ResolveRef extends RunRef {
  /** `edge-data`, `work/edge-data` */
  volume: string;
  /** A member, or a backup host. */
  target: string;
  /** Where that host has more than one. */
  dataset?: string;
}

export interface ResolveActivities {
  /** How the replica stands to its source, and what only it has. Fails as BadConfig where there is no such, as Unreachable where a side is away. */
  observeResolve(input: ResolveRef): Promise<ResolveObservation>;
  /** It gets a name of the run, outside of the replicas. `at`: ISO 8601. */
  keepReplicaAside(input: ResolveRef & { at: string }): Promise<Reached>;
  /** Back to what both sides have. `GateRefused` where more would be lost than was approved. */
  rollReplicaBack(input: ResolveRef & { approved: ApprovedLoss }): Promise<Reached>;
}

export interface DriftInputOf extends RunRef {
  scope: DriftScope;
}

export interface DriftActivities {
  /** What the fleet file at this revision declares, of all or of one node. Fails as BadConfig for an unknown one. */
  resolveDrift(input: { fleet: FleetRef; node?: string }): Promise<DriftScope>;
  /** Members, instances, volumes. What cannot be had is part of the answer. */
  observeCluster(input: DriftInputOf): Promise<ClusterSeen>;
  observeSystem(input: NodeRef): Promise<SystemState | Problem>;
  /** Of the commit. Fails as NotReencrypted where it has no rules. */
  observeSecrets(input: RunRef): Promise<SecretsFacts>;
}

export interface ScheduleActivities {
  /** The commit that the worker's clone of the monorepo stands on now. */
  currentRevision(): Promise<FleetRef>;
}

export interface ReinstallInput extends OfMember {
  /** The boot of the installer that was looked at. */
  bootId: string;
  /** Identities of the disks that a person agreed to lose. */
  approved: string[];
}

export interface ReinstallActivities {
  /** What the fleet file at this revision says about installing the member. Fails as BadConfig. */
  resolveReinstall(input: { fleet: FleetRef; member: string }): Promise<ReinstallScope>;
  /** What the host is, its disks, and which of them the flake's layout names. What cannot be had is part of the answer. */
  observeReinstall(input: OfMember): Promise<ReinstallObservation>;
  /**
   * Runs the declared command, as a job that survives the worker, once all is as it was approved. `GateRefused` where it is
   * not, `InstallFailed` where the command fails. A host that was installed since is left alone.
   */
  reinstall(input: ReinstallInput): Promise<Reached>;
  /** Waits until the host answers as installed, by its declared host key, and has booted. */
  awaitInstalled(input: OfMember & { bootId: string }): Promise<SystemState>;
}

export interface IdentityActivities {
  /** What the fleet file at this revision says about copies of identities. Fails as BadConfig where it says nothing. */
  resolveIdentities(input: { fleet: FleetRef; member?: string }): Promise<IdentityScope>;
  /** Every declared member, and the copies that are there. Changes nothing; what cannot be reached is part of the answer. */
  observeIdentities(input: RunRef): Promise<IdentityObservation>;
  /**
   * A copy of who the member is to its cluster, encrypted on it, on every other place that can be reached, each verified; older
   * ones than are kept are removed there. Fails where no place has taken it. `takenAt`: ISO 8601.
   */
  saveIdentity(input: OfMember & { takenAt: string }): Promise<SavedIdentity>;
  /** Copies of that member's identity in every place that answers, newest first. */
  findIdentities(input: OfMember): Promise<StoredIdentity[]>;
  /**
   * Decrypts a copy in the worker's memory and unpacks it on the member, into a folder that only root reads; puts nothing in
   * its place. Returns the folder. Fails as BadConfig, WrongKey or Damaged.
   */
  restoreIdentity(input: OfMember & { place: string; path: string }): Promise<{ staged: string; takenAt: string }>;
}

export interface ContainerActivities {
  recordImages(input: NodeRef): Promise<ContainerImage[]>;
  /** Pulls and restarts what changed; returns what runs afterwards. */
  updateContainers(input: NodeRef & { before: ContainerImage[] }): Promise<ContainerImage[]>;
  /** Back to exactly the recorded images. */
  rollBackContainers(input: NodeRef & { before: ContainerImage[] }): Promise<'rolled back' | 'already'>;
  /** After success: the former images lose the name that kept them for a rollback. */
  releaseImages(input: NodeRef & { before: ContainerImage[] }): Promise<void>;
}

export interface HealthActivities {
  /** Asks every probe until it holds or its time is over. Never fails for being unhealthy: it says so. */
  checkHealth(input: HealthInput): Promise<HealthReport>;
}

/** What became of one guest's snapshots. */
export interface BackupSnapshots {
  made: number;
  already: number;
}

/** What of a replica's snapshots went, and what stayed. */
export interface PrunedReplica {
  /** As people read it. */
  volume: string;
  destroyed: number;
  kept: number;
  /** Why some stayed that were to go. */
  busy: string[];
}

export interface BackupActivities {
  /** Fails as BadConfig where the fleet file has no such entry. */
  resolveBackup(input: { fleet: FleetRef; backup?: string }): Promise<BackupScope>;
  /** Volumes, hosts and replicas as they are. What does not answer is part of the answer. */
  observeBackup(input: RunRef & { scope: BackupScope }): Promise<BackupObservation>;
  /** How old every copy is, seen where it is. Changes nothing; what does not answer is part of the answer. */
  listBackups(input: GlanceInput): Promise<BackupsView>;
  /** Of one guest's volumes, between its hooks. `takenAt`: ISO 8601, what the expiry is counted from. */
  snapshotGroup(input: RunRef & { group: SnapshotGroup; takenAt: string }): Promise<BackupSnapshots>;
  /** Brings replicas to the newest snapshots of their sources; one outcome for each volume of the pair. */
  replicate(input: RunRef & { pair: ReplicaPair; stallMs: number }): Promise<CopyView[]>;
  /** Ends what `replicate` has begun. What arrived stays, and is gone on from. */
  stopTransfer(input: RunRef & { pair: ReplicaPair }): Promise<void>;
  /** Destroys the snapshots of replicas that nothing asks for any more. */
  pruneReplicas(input: RunRef & { pair: ReplicaPair }): Promise<PrunedReplica[]>;
}

/** One copy that is restored for a proof. */
export interface DrillRef extends RunRef {
  copy: DrillCopy;
}

export interface DrillRestored {
  bytes: number;
  /** Absent where it was interrupted, and gone on with. */
  seconds?: number;
}

export type DrillComparison =
  /** `words`: what was compared. */
  { type: 'same'; words: string } | { type: 'differs' | 'check failed'; message: string };

export interface DrillActivities {
  /** Every replica, and whether it can be proven. Changes nothing; what does not answer is part of the answer. */
  observeDrill(input: RunRef & { scope: BackupScope }): Promise<DrillCopy[]>;
  /** Sends the copy's snapshot to the member of its source, into a dataset of the run. */
  restoreForDrill(input: DrillRef): Promise<DrillRestored>;
  /** What arrived, with the snapshot that the copy was made from; then the declared check. */
  compareForDrill(input: DrillRef): Promise<DrillComparison>;
  /** Ends what the two have begun and removes what they made, and what drills before have left there; of that, what stays. */
  cleanUpDrill(input: DrillRef): Promise<string[]>;
  /** Writes it down where the copy is. Fails as NotFound where another one is there by now. */
  noteProof(input: DrillRef & { proof: CopyProof }): Promise<void>;
}

export interface RestorationRef extends RunRef {
  restoration: Restoration;
  /** A transfer that moves nothing for so long is ended and gone on with. */
  stallMs: number;
}

export interface RestoreActivities {
  /** What the fleet file at this revision says about copies of the volume. Fails as BadConfig where it names none. */
  resolveRestore(input: { fleet: FleetRef; wish: RestoreWish }): Promise<RestoreScope>;
  /** Every snapshot, where it is. Changes nothing; what does not answer is part of the answer. */
  listRestorable(input: RestorableInput): Promise<RestorableView>;
  /** Replicas, and the member that the volume is made on. Changes nothing; what does not answer is part of the answer. */
  observeRestore(input: RunRef & { scope: RestoreScope }): Promise<RestoreObservation>;
  /** The snapshot arrives on the member. Never over what is there; `already`: Incus has it by now. */
  receiveVolume(input: RestorationRef): Promise<Reached>;
  /** Incus takes what arrived into its records, configured as the original. */
  recoverVolume(input: RestorationRef): Promise<Reached>;
  /** Fails as Unhealthy where the new volume is not what was asked for. */
  verifyRestored(input: RestorationRef): Promise<void>;
  /** The same of files in a restic repository. */
  resolveRestoreFiles(input: { fleet: FleetRef; wish: RestoreFilesWish }): Promise<RestoreFilesScope>;
  /** Changes nothing; what does not answer is part of the answer. */
  observeRestoreFiles(input: RunRef & { scope: RestoreFilesScope }): Promise<RestoreFilesObservation>;
  /** Ends what `receiveVolume` has begun. What arrived stays, and is gone on from. */
  stopRestore(input: RestorationRef): Promise<void>;
}

/** What arrived takes the place of the volume. Each looks first, and may find what an earlier attempt has begun. */
export interface InPlaceActivities {
  /** What arrived can be written to. Fails as KeyNotLoaded. */
  makeReady(input: RestorationRef): Promise<Reached>;
  /** Who uses the volume, and which of them run. */
  usersOfVolume(input: RestorationRef): Promise<VolumeUser[]>;
  stopUsers(input: RestorationRef & { users: VolumeUser[] }): Promise<void>;
  /** Fails as Unhealthy where one of them does not run then. */
  startUsers(input: RestorationRef & { users: VolumeUser[] }): Promise<void>;
  /** The original gets a snapshot and is set aside, and what arrived gets its name. */
  takePlace(input: RestorationRef & { at: string }): Promise<Reached>;
  /** Undoes that. False where what had arrived is not what was copied any more: what was written to it is kept. */
  putOriginalBack(input: RestorationRef): Promise<boolean>;
  /** The end: no run goes on with it, and Incus forgets snapshots that are aside. Returns those. */
  settleInPlace(input: RestorationRef): Promise<string[]>;
}

export interface HousekeepingActivities {
  /** Removes what the run's ended jobs left on worker and hosts. A host that is away keeps its; that is reported. */
  forgetJobs(input: RunRef & { nodes: string[] }): Promise<string[]>;
}

export interface ResticBackupInput extends RunRef {
  /** Short ids of the scope. */
  repository: string;
  source: string;
  /** What the snapshot is dated: ISO 8601. The same for every attempt. */
  at: string;
  /** Of a source that is a volume: the Incus snapshot of it that is read. */
  snapshot?: string;
}

export interface ResticMaintenanceInput extends RunRef {
  repository: string;
  step: { type: 'forget'; source: string } | { type: 'prune' } | { type: 'check'; subset: number; of: number };
}

export interface ResticRestoreInput extends RunRef {
  repository: string;
  source: string;
  snapshot: string;
  /** Only what is below. */
  path?: string;
  /** A folder that is empty or not there, on the machine where restic runs. */
  target: string;
}

/** All but the first two are for who holds the lock of the repository. */
export interface ResticActivities {
  /** What the fleet file at this revision says about restic, by repository. */
  resolveRestic(input: { fleet: FleetRef }): Promise<ResticScope>;
  /** How old each kind of work is, of each repository. Changes nothing; what cannot be asked is part of the answer. */
  observeRestic(input: RunRef): Promise<ResticObservation>;
  /** One snapshot of one source. What keeps it from being a backup is part of the answer; a machine that is away is a failure. */
  backUpToRestic(input: ResticBackupInput): Promise<ResticBackupResult>;
  /** One step of what a repository needs. */
  maintainRestic(input: ResticMaintenanceInput): Promise<ResticMaintenanceResult>;
  /** Into an empty folder. Fails as NotFound for a snapshot or path that is not there. */
  restoreFromRestic(input: ResticRestoreInput): Promise<{ files: number; bytes: number }>;
}

/** One plan of a run: its first, the one after that was stale, one to see whether anything is left. */
export interface InfraPlanRef extends NodeRef {
  /** `1`, `2`, `verify-1` */
  plan: string;
}

export interface InfraActivities {
  /** What the fleet file at this revision says of Terraform for the member. Fails as BadConfig where it says nothing. */
  resolveInfra(input: { fleet: FleetRef; node: string }): Promise<InfraScope>;
  /** The members that have a folder at this revision, in the order of the fleet file. */
  infraNodes(input: { fleet: FleetRef }): Promise<string[]>;
  /** The files of the revision in a folder of the run's own, with providers and backend. */
  initInfra(input: NodeRef): Promise<Reached>;
  /** Changes nothing. Fails as TerraformFailed, or StateLocked. A lock that this run has left is taken away. */
  planInfra(input: InfraPlanRef): Promise<PlannedInfra>;
  /** Returns the file, or undefined where there is no state yet. Old ones go, as the fleet file says. */
  backUpState(input: InfraPlanRef): Promise<string | undefined>;
  /**
   * Applies that plan and no other, as a job that survives the worker. What could not be saved of the state is pushed, or fails
   * as StateNotSaved.
   */
  applyInfra(input: InfraPlanRef & Pick<PlannedInfra, 'hash' | 'file'>): Promise<AppliedInfra>;
  /** Removes the run's folder, in which the plans are. */
  endInfra(input: NodeRef): Promise<void>;
}

export interface GuestRef extends RunRef {
  guest: string;
}

export interface ReencryptInput extends GuestRef {
  /** `hand-over`: the new key beside the old one. `cut`: the new one alone, and another data key. */
  phase: 'hand-over' | 'cut';
  /** The commit that the new one goes on top of. */
  base: string;
  old: string;
  next: string;
  paths: string[];
  message: string;
  /** The guest's ssh host key in the fleet file, where another one takes its place in the same commit. */
  hostKey?: string;
}

export interface TakeBackInput extends GuestRef {
  handOver?: string;
  paths: string[];
  message: string;
}

export interface Reencrypted {
  state: Reached;
  revision: string;
}

/** Keys are public ones throughout: a private one is made in its guest, and never leaves it. */
export interface RotationActivities {
  /** Fails as BadConfig for what is no guest, or one that nothing is deployed into. */
  resolveRotation(input: { fleet: FleetRef; guest: string }): Promise<RotationScope>;
  /** The clone, the files, the guest and its key. Changes nothing; what cannot be had is part of the answer. */
  observeRotation(input: GuestRef): Promise<RotationObservation>;
  /** A second key in the guest, and both in its key file. */
  makeGuestKey(input: GuestRef & { old: string }): Promise<{ key: string }>;
  /**
   * A commit with the rules and files for other recipients, pushed where that is declared. Fails as NotReencrypted where a file is
   * not as it was to be, as BranchMoved where somebody has pushed meanwhile.
   */
  reencryptSecrets(input: ReencryptInput): Promise<Reencrypted>;
  /** Tries a key in the guest on each file of that commit. Returns those that it can decrypt. */
  tryGuestKey(
    input: GuestRef & { revision: string; paths: string[]; which: 'old' | 'new' | 'file' },
  ): Promise<string[]>;
  /** Of the two keys in the guest only one stays. */
  keepGuestKey(input: GuestRef & { keep: 'old' | 'new'; old: string; next: string }): Promise<Reached>;
  /**
   * A commit that gives rules and files back as they were, where the remote has one of the run. `handOver`: that one, where it is
   * known. Fails as BranchMoved where it is not the last one there, or there no more.
   */
  takeBackSecrets(input: TakeBackInput): Promise<Reached>;
  /** What a run needed on the worker. `keep`: the commit that a branch of the run's name is to have. */
  tidyRotation(input: RunRef & { keep?: string }): Promise<void>;
}

/**
 * `kept`: the old one is back, and Incus did not remove the new one, which is marked as kept. `old is gone`: nobody has the old one
 * any more, and the new one is left as it is.
 */
export type BroughtBack = Reached | 'kept' | 'old is gone';

export interface NewGuest {
  system: SystemState;
}

/**
 * A guest is made anew. The old one is renamed aside, with a note in its own configuration of how it was, so that each of these
 * finds where another one was cut off.
 */
export interface RecreateActivities {
  /** Fails as BadConfig for what is no guest, or one of which is not declared what it is made from. */
  resolveRecreate(input: { fleet: FleetRef; guest: string; keepOld: string }): Promise<RecreateScope>;
  /** The clone, the files, the old guest, its volumes. Changes nothing; what cannot be had is part of the answer. */
  observeRecreate(input: GuestRef): Promise<RecreateObservation>;
  /** Stops the old one, takes all devices but its root disk from it, and renames it. */
  setGuestAside(input: GuestRef): Promise<Reached>;
  /** Makes the new one on its member, without its volumes, and starts it. Refuses where the old one still runs. */
  createGuest(input: GuestRef): Promise<NewGuest>;
  /** The new guest's own key of age, made inside of it where its first boot has not; and its public ssh host key. */
  makeOwnKey(input: GuestRef & { old: string }): Promise<{ key: string; hostKey: string }>;
  /** Stops the new one, attaches its volumes, and starts it. Refuses where another instance has one of them. */
  attachVolumes(input: GuestRef): Promise<NewGuest>;
  /** Fails as NotReencrypted where the old key is a recipient of a file of that commit, or its data key is the former one. */
  proveOldKeyOut(input: GuestRef & { revision: string; old: string; paths: string[] }): Promise<void>;
  /**
   * Takes the new one out of the way, gives the old one its name and its devices back, and starts it where it ran. `old`: how it
   * was found. Unless there was none, it has to be there before the new one is touched, which is removed in the end.
   */
  bringBackGuest(input: GuestRef & { old?: OldGuest }): Promise<BroughtBack>;
  /** The old one is kept with a mark of its own, or removed. `at`, `until`: ISO 8601. */
  endOldGuest(input: GuestRef & { keep: boolean; at: string; until: string }): Promise<Reached>;
}

/** The state that knew the old guest, and the resource that makes it: `plan` names the plan that is applied. */
export interface TerraformGuestRef extends GuestRef, InfraPlanRef {
  address: string;
}

/** Where the state is that has the old one still. */
export interface SavedState {
  /** The machine. */
  worker: string;
  file: string;
}

/** `wasIn`: whether the state had the address at the yes. `saved`: what was saved of it then. */
export type SavedGuestRef = TerraformGuestRef & { wasIn: boolean; saved?: SavedState };

/** A guest that Terraform makes is made anew. What it makes is applied by the activities of infra-apply. */
export interface TerraformRecreateActivities {
  /** What would be planned if the state did not know the address, found out with a copy of the state. Changes nothing. */
  rehearseCreation(input: TerraformGuestRef): Promise<PlannedCreation>;
  /** Undefined where there is no state yet. Idempotent. */
  saveOldInState(input: TerraformGuestRef): Promise<SavedState | undefined>;
  /**
   * Backs the state up and takes the address out of it. Refuses where there still is an instance of the guest's name. Fails as
   * StateNotSaved where it is out already, and this worker does not have what was saved of it.
   */
  forgetOldInState(input: SavedGuestRef): Promise<Reached>;
  /** The plan that is applied, with the digest of its sensitive values. */
  planCreation(input: TerraformGuestRef): Promise<PlannedInfra & Pick<PlannedCreation, 'sensitive'>>;
  /** Marks what Terraform has made as this run's own, with its volumes attached, and starts it. */
  adoptGuest(input: GuestRef): Promise<NewGuest>;
  /** Takes the mark off again: Terraform would. */
  unmarkGuest(input: GuestRef): Promise<Reached>;
  /** What is left to do. Whoever has locked the state is waited for. */
  planSettled(input: TerraformGuestRef): Promise<PlannedInfra>;
  /** Waits for an apply that is still at work, whoever has begun it, and lets none begin any more. */
  fenceState(input: TerraformGuestRef): Promise<Reached>;
  /**
   * As bringBackGuest. What Terraform has made is marked as this run's own before, so that it can be removed; what the state does
   * not know is renamed out of the way.
   */
  takeBackGuest(input: TerraformGuestRef & { old?: OldGuest }): Promise<BroughtBack>;
  /**
   * The address in the state as it was saved, and what else is in the state by now stays. Fails as StateNotSaved where this worker
   * does not have it, or where the state is another one.
   */
  putBackInState(input: SavedGuestRef): Promise<Reached>;
}

export interface ApprovalActivities {
  /** Who has to say yes before something is lost for good: the stricter of the run's revision and the worker's HEAD. */
  approvalPolicy(input: { fleet: FleetRef }): Promise<ApprovalRule>;
}

export interface LockActivities {
  /** Puts this run into the queue of the resource's lock; the lock answers by signal. */
  requestLock(input: { resource: string }): Promise<void>;
  /** True while a run of that workflow id is open. */
  isOpen(input: { workflowId: string }): Promise<boolean>;
}

export interface DoctorActivities {
  /** Every tool and host, or one node. What is wrong is part of the answer. */
  lookAround(input: DoctorInput): Promise<Check[]>;
}

export interface GlanceActivities {
  /** Members and declared guests within some seconds. What does not answer is part of the answer. */
  glanceAtFleet(input: GlanceInput): Promise<FleetGlance>;
}

export interface NotifyActivities {
  /**
   * Sends one message on one channel, as the fleet file that the worker's clone has now declares it: who mends a channel mends
   * what waits. Undefined where it has no such channel. Run again after a crash it may be sent twice, under one id. Fails as NotSent.
   */
  sendNotice(input: { notice: Notice; channel: string; id: string }): Promise<{ answer: string } | undefined>;
}

export type Activities = ObserveActivities &
  SnapshotActivities &
  DeployActivities &
  MemberActivities &
  FormationActivities &
  RejoinActivities &
  ReinstallActivities &
  IdentityActivities &
  BackupActivities &
  RestoreActivities &
  InPlaceActivities &
  ScheduleActivities &
  DriftActivities &
  RemovalActivities &
  QuorumActivities &
  KeptActivities &
  ResolveActivities &
  DrillActivities &
  ContainerActivities &
  HealthActivities &
  HousekeepingActivities &
  ResticActivities &
  InfraActivities &
  RecreateActivities &
  TerraformRecreateActivities &
  RotationActivities &
  ApprovalActivities &
  LockActivities &
  DoctorActivities &
  GlanceActivities &
  NotifyActivities;
