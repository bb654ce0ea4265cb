/**
 * Names shared by workflows, workers and the command line: what starts a run, what it answers to.
 * No import of the Temporal SDK, so that the command line can load it for nothing.
 */
import type { Schedule } from '../fleet/schema.ts';
import type { Delivery, Notice } from '../plan/notice.ts';
import type { ResolveWay } from '../plan/replica-resolve.ts';
import type { RestoreWish } from '../plan/restore.ts';
import type { RestoreFilesWish } from '../plan/restore-files.ts';
import type { RunView, UpgradeResume } from '../plan/run.ts';

export const TASK_QUEUE = 'runbook';

/** A run's own id excludes its double: one safe-upgrade per node at a time. */
export const workflowId = (runbook: string, subject: string): string => `${runbook}/${subject}`;
/** One lock workflow per resource; its queue is fair. */
export const lockWorkflowId = (resource: string): string => `lock/${resource}`;
/** Planning changes nothing, so any number may run beside each other and beside a run. */
export const planWorkflowId = (runbook: string, subject: string, nonce: string): string =>
  `plan/${runbook}/${subject}/${nonce}`;

/** What ids begin with that are of no run, but of what serves runs. */
const NOT_RUNS: readonly string[] = [
  ...['lock', 'plan', 'doctor', 'glance', 'kept', 'backups', 'restorable', 'schedule'],
  'notify',
];

/**
 * Their types, of which there may be more than of runs: visibility is not asked for them where runs are wanted. Looks are made as
 * often as a page is written, a schedule's workflow each time that it is due, and plans of runs have the type of their run.
 */
export const TYPES_OF_NO_RUN: readonly string[] = [
  'resourceLock',
  'scheduled',
  'doctor',
  'glance',
  'kept',
  'backups',
  'restorable',
  'notify',
];

/** What a run's own id says; undefined of another's. */
export function namesOfRun(id: string): { runbook: string; subject: string } | undefined {
  const [, runbook, subject] = /^([^/]+)\/(.+)$/s.exec(id) ?? [];
  return runbook === undefined || subject === undefined || NOT_RUNS.includes(runbook)
    ? undefined
    : { runbook, subject };
}

/** Search attributes, all of type Keyword. */
export const SEARCH_ATTRIBUTES = ['RunbookName', 'RunbookSubject', 'RunbookPhase', 'RunbookOutcome'] as const;

/** Where runbook reads the fleet file and the flake: the worker's clone at one revision. */
export interface FleetRef {
  /** Full git commit id. */
  revision: string;
}

export interface SafeUpgradeInput {
  fleet: FleetRef;
  /** A member or guest of the fleet file; for `--all` the workflow is `safeUpgradeAll`. */
  node: string;
  /** Who started it, for the report. */
  actor: string;
  /** Members that are meant to be away. */
  allowOffline: string[];
  /** The orchestrator may be on this node. */
  allowOrchestrator: boolean;
  /** Observe and plan, change nothing, take no lock. */
  planOnly: boolean;
  /** Goes on where an earlier run under this id stopped. */
  resume?: UpgradeResume;
}

export type SafeUpgradeAllInput = Omit<SafeUpgradeInput, 'node' | 'resume'>;
export type ClusterUpgradeInput = Omit<SafeUpgradeInput, 'node' | 'resume' | 'allowOffline' | 'allowOrchestrator'>;

export type ClusterBootstrapInput = ClusterUpgradeInput;
export interface NodeRejoinInput extends ClusterUpgradeInput {
  node: string;
  /** Joins anew, also where a saved identity could be restored. */
  anew: boolean;
}
/** Without `node` every member. */
export type IdentityBackupInput = ClusterUpgradeInput & Partial<Pick<SafeUpgradeInput, 'node'>>;
/** Without `backup` every entry of `backups`. */
export interface NightlyBackupInput extends ClusterUpgradeInput {
  backup?: string;
}
export type RestoreDrillInput = NightlyBackupInput;
/** Without `node` all of it. */
export type DriftInput = Omit<IdentityBackupInput, 'planOnly'>;
/** From a replica, beside the original or in its place. */
export type RestoreInput = ClusterUpgradeInput & RestoreWish;
/** From restic, into a folder of the guest. */
export interface RestoreFilesInput extends ClusterUpgradeInput {
  wish: RestoreFilesWish;
}
/** Every member that has a folder. */
export type InfraApplyAllInput = ClusterUpgradeInput;
export type InfraApplyInput = InfraApplyAllInput & Pick<SafeUpgradeInput, 'node'>;
export type NodeReinstallInput = ClusterUpgradeInput & Pick<SafeUpgradeInput, 'node'>;

export interface MemberRemoveInput extends ClusterUpgradeInput {
  /** A member that the fleet file declares. */
  member: string;
}

export interface VmRecreateInput extends ClusterUpgradeInput {
  /** Which guest is made anew. */
  guest: string;
  /** How long the old one is to be kept; `0s`: not at all. */
  keepOld: string;
}

export interface RotateKeysInput extends ClusterUpgradeInput {
  /** Whose key of age is changed. */
  guest: string;
}

export interface QuorumRecoverInput extends ClusterUpgradeInput {
  /** The survivor that is to carry the cluster's database on. */
  member: string;
}

export interface ReleaseKeptInput extends Omit<ClusterUpgradeInput, 'planOnly'> {
  member: string;
  /** A dataset, or the name of a folder, that a run has set aside there. */
  name: string;
}

export interface BackupsResolveInput extends Omit<ClusterUpgradeInput, 'planOnly'> {
  /** `edge-data`, `work/edge-data` */
  volume: string;
  /** A member or a backup host that has a replica of it, and which where it has several. */
  target: string;
  dataset?: string;
  way: ResolveWay;
}

/** What a schedule starts: it takes the commit of that time and begins the run that a person would start by hand. */
export const SCHEDULED_WORKFLOW = 'scheduled';
export interface ScheduledInput {
  /** By its name in the fleet file. */
  schedule: string;
  runbook: Schedule['runbook'];
  /** Without it every member. */
  node?: string;
  /** Taken up later than this, it starts nothing. */
  catchUpMs: number;
}
/** Schedules of different fleets on one server have different ids. */
export const scheduleId = (fleet: string, schedule: string): string => `runbook/${fleet}/${schedule}`;
/** Temporal adds the time. */
export const scheduledWorkflowId = (fleet: string, schedule: string): string => `schedule/${fleet}/${schedule}`;

/** What runs have set aside; its result is `KeptView` of plan/kept.ts. Changes nothing. */
export const KEPT_WORKFLOW = 'kept';

/** How old every copy is; its result is `BackupsView` of plan/backups-view.ts. Changes nothing. */
export const BACKUPS_WORKFLOW = 'backups';

/** What there is to restore from; its result is `RestorableView` of plan/restorable.ts. Changes nothing. */
export const RESTORABLE_WORKFLOW = 'restorable';
export interface RestorableInput extends GlanceInput {
  /** Only of this one: `edge-data`, `work/edge-data`. */
  volume?: string;
}

/** Looks at tools and hosts from where a worker is; its result is `Check[]` of plan/checks.ts. Changes nothing. */
export const DOCTOR_WORKFLOW = 'doctor';
export interface DoctorInput {
  fleet: FleetRef;
  /** Only this member or guest. */
  node?: string;
}

/** A quick look at members and guests; its result is `FleetGlance` of plan/glance.ts. Changes nothing. */
export const GLANCE_WORKFLOW = 'glance';
export interface GlanceInput {
  fleet: FleetRef;
}

/** Tells people of one event, whatever worker saw it first; its result is `Told[]`. */
export const NOTIFY_WORKFLOW = 'notify';
export interface NotifyInput {
  notice: Notice;
  /** By their names in the fleet file. */
  channels: string[];
}
export interface Told {
  channel: string;
  /** `dropped`: the fleet file has no such channel any more. */
  outcome: Delivery['type'] | 'dropped';
  /** What the other side answered, or why it was not sent. */
  answer: string;
}
/** An event is told once: Temporal refuses a second workflow of its id. `key` is that of a `DueNotice`. */
export const notifyWorkflowId = (key: string): string => `notify/${key}`;

/** Query: the run as a person sees it. Every runbook's workflow answers it. */
export const VIEW_QUERY = 'view';
export type ViewQuery = () => RunView;

/** Updates. Each is refused by its validator with a message for the person who typed it. */
export const DECIDE_UPDATE = 'decide';
/**
 * `name`: what a person typed where the approval `expects` a name; `names` where it is several. `plan`: the hash of the plan
 * that a yes is for, or its first characters.
 */
export type DecideArgs = {
  approvalId?: string;
  approved: boolean;
  actor: string;
  reason: string;
  name?: string;
  names?: string[];
  plan?: string;
};
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export type PauseArgs = { actor: string };

/**
 * A run that ended `RolledBack` or `Failed` fails with an ApplicationFailure of one of these types,
 * whose first detail is the final RunView: the Web UI shows it red, and the terminal has everything to tell.
 */
export const ROLLED_BACK_FAILURE = 'RolledBack';
export const FAILED_FAILURE = 'Failed';

/** Signals between runs and lock workflows. Runs are known by workflow id, so that a reset keeps its lock. */
export const LOCK_ACQUIRE = 'acquire';
export const LOCK_RELEASE = 'release';
export const LOCK_GRANTED = 'lockGranted';
export const LOCK_QUEUED = 'lockQueued';
/** Query: {@link LockView}. */
export const LOCK_QUERY = 'lock';
export interface LockView {
  resource: string;
  /** Workflow id of who holds it; absent where it is free. */
  holder?: string;
  /** Who waits, in order. */
  queue: string[];
}
export interface LockClaim {
  workflowId: string;
}
export interface LockNews {
  resource: string;
  /** Workflow id of who holds it. */
  holder: string;
}
