import type { DriftRow } from './drift-seen.ts';
import type { HandOver } from './hand-over.ts';
import type { SystemState } from './observation.ts';
import type { Problem } from './problem.ts';

/** What a run is to whoever looks at it: the terminal, a report, the Web UI. Pure data, safe to keep for years. */

/**
 * `Done`: what was asked for holds now. `AlreadySo`: it did before, nothing was changed.
 * `RolledBack`: it could not be had; what was half-way or unhealthy was undone, and all is healthy. The summary says what runs.
 * `Failed`: neither; `left` says precisely what remains. With `unchanged` nothing was begun: a gate or a person refused.
 */
export type Outcome = 'Done' | 'AlreadySo' | 'RolledBack' | 'Failed';

/** In the order in which a run goes through them. */
const PHASES = [
  'lock',
  'gate',
  'plan',
  'install',
  'restore',
  'form',
  'join',
  'configure',
  'recover',
  'snapshot',
  'copy',
  'prune',
  'drain',
  'remove',
  'deploy',
  'update',
  'apply',
  'verify',
  'save',
  'roll back',
  'clean up',
] as const;
export type Phase = (typeof PHASES)[number];

/** `already`: it was so before, nothing was done. `not needed`: decided on the way. */
export type StepState = 'pending' | 'running' | 'done' | 'already' | 'failed' | 'not needed' | 'waiting';

export interface StepView {
  /** Unique in the run; activities carry it as the prefix of their activity id: `<step id>` or `<step id>/<n>`. */
  id: string;
  phase: Phase;
  /** Whose step it is, in a plan of several members. */
  member?: string;
  /** A short line without the phase: `edge-vm and volume edge-data`. */
  title: string;
  state: StepState;
  /** What came of it, or why it failed: one line. */
  detail?: string;
  /** ISO 8601, UTC. */
  startedAt?: string;
  endedAt?: string;
}

/** Adds a step that was not planned: before the planned ones of later phases, which are still ahead. */
export function addStep(steps: StepView[], step: StepView): void {
  const order = PHASES.indexOf(step.phase);
  const at = steps.findIndex(({ state, phase }) => state === 'pending' && PHASES.indexOf(phase) > order);
  steps.splice(at === -1 ? steps.length : at, 0, step);
}

/** What became of one copy in a run: of one volume at one place. */
export interface CopyView {
  /** `edge-data`, `work/edge-data` */
  volume: string;
  /** `nuc-1 tank/replicas` */
  place: string;
  /** `up to date`: the place had all of it before. Only what was seen at the place itself is a copy. */
  outcome: 'copied' | 'up to date' | 'proven' | 'not provable' | 'failed';
  /** More about it, for people. */
  detail?: string;
  /** Of the newest snapshot that both have: ISO 8601. */
  newestAt?: string;
  /** That came, and the bytes on their way. */
  snapshots?: number;
  bytes?: number;
  /** Destroyed there, as `keep` says. */
  pruned?: number;
  problem?: Problem;
}

/** What a run waits for when a person has to decide. */
export interface Approval {
  /** Short and typeable; `approve RUN` needs it only if several are open. */
  id: string;
  question: string;
  /** What happens on yes, on no, and when nobody answers. */
  consequences: string[];
  /** The name that a yes has to carry, typed by who gives it: what is lost with it cannot be had again. */
  expects?: string;
  /** The same where it is several: each of them. */
  names?: string[];
  /** The plan that a yes is for, by its hash; it has to carry that, or the first characters of it. */
  plan?: string;
  /** A yes loses something for good, or cannot be taken back. */
  destructive?: true;
  /** Who has to say yes, where anybody's is not enough. */
  needs?: ApprovalNeeds;
  /** Who has said yes so far, where more have to. */
  approvedBy?: string[];
  /** How often it was said again that it waits. */
  reminders?: number;
  /** ISO 8601. When the time is over it counts as rejected. */
  askedAt: string;
  deadline: string;
}

/** By the fleet file of the run's revision. */
export interface ApprovalNeeds {
  /** So many different ones. */
  people: number;
  /** Who started the run, whose yes does not count; empty where nobody knows who did. */
  notBy?: string;
}

/** Who decided where no answer came in time. A person is `user@host`. */
export const NOBODY = 'nobody';

export interface Decision {
  approvalId: string;
  approved: boolean;
  /** `ada@laptop`, or {@link NOBODY}. */
  actor: string;
  reason: string;
  /** Where more than one yes is needed: the how manieth this is, and of how many. */
  count?: { yes: number; of: number };
  /** What was approved or rejected, where it was a plan: its hash. */
  plan?: string;
  at: string;
}

export interface RunView {
  runbook: string;
  /** The node, or `all`. */
  subject: string;
  /** What this run's snapshots and jobs are called: `runbook-20261123-0214-3f9c`. */
  name: string;
  revision: string;
  phase: Phase;
  steps: StepView[];
  paused: boolean;
  approval?: Approval;
  decisions: Decision[];
  /** Of a plan: who has to say yes, where it asks before something is lost for good. */
  needs?: ApprovalNeeds;
  /** Waiting for the lock of these resources: each with the workflow id that holds it. */
  waitingFor: { resource: string; holder: string }[];
  warnings: string[];
  /** What had to hold before anything was changed; empty until it was looked at. */
  gates: { name: string; verdict: 'passed' | 'warning' | 'refused'; message: string; whatToDo?: string }[];
  /** Of a backup: one for each volume and place. */
  copies?: CopyView[];
  /** Of a drift: what is not as declared, or could not be looked at. */
  drift?: DriftRow[];
  /** What was begun and is not over: a run that is started again goes on from here. */
  resume?: UpgradeResume;
  /** Set when the run is over. */
  result?: RunResult;
}

/** Where a retry goes on: under the same name, with the way back to where the first attempt began. */
export interface UpgradeResume {
  name: string;
  /** The member is out of service, by us. */
  evacuated: boolean;
  /** What each machine ran before it was first touched. */
  systems: Record<string, SystemState>;
  /** The images that each guest's containers had before they were first touched. */
  images: Record<string, ContainerImage[]>;
}

export interface ContainerImage {
  /** The declared unit's container, or the compose service. */
  container: string;
  /** The reference that is pulled: `registry/web:latest`. */
  ref: string;
  imageId: string;
  digest: string;
}

export interface RunResult {
  outcome: Outcome;
  /** One sentence: the fact first. */
  summary: string;
  /** Of a `Failed` run: it ended before it changed anything, so there is nothing to mend or to undo. */
  unchanged?: true;
  /** Why not `Done`: what happened, what to do. */
  failure?: { type: string; message: string; whatToDo: string };
  /** What remains and why: snapshots kept until …, a generation that could not be removed. */
  left: string[];
  /** Texts for the monorepo: what other tools have to know of what was made. */
  handOver?: HandOver[];
  /** Commands to type next, each with what it is for. */
  next: { command: string; purpose: string }[];
}
