import type { FleetGlance } from '../plan/glance.ts';
import type { ScheduleTrouble } from '../plan/schedule-health.ts';
import type { Approval } from '../plan/run.ts';
import type { FleetOutline } from '../fleet/outline.ts';
import type { CopiesSeen } from './fleet-copies.ts';
import type { RunSummary } from './temporal/list-runs.ts';

/** What `status` tells. Its JSON is documented in docs/cli.md. */
export interface FleetStatus {
  /** Absent where this folder is in no monorepo. */
  fleet?: FleetOutline;
  /** It has no readable names: `runbook check` says why. */
  brokenFleetFile?: true;
  /** Nobody would do the work of a run. */
  noWorker?: true;
  /** With `--live`, where a worker polls. */
  live?: FleetGlance;
  open: OpenRun[];
  /** Schedules that did not do what they are for, and that no later run of theirs has made up for. */
  schedules: ScheduleTrouble[];
  /** Of each node the latest run, where that ended without what was asked for and needs a person. */
  failed: RunSummary[];
  /** Absent where nobody told of any copy. */
  copies?: CopiesSeen;
  /** What the newest look of all has found; absent where none is known. */
  drift?: DriftSeen;
  /** All schedules, the next first. */
  next?: NextTime[];
}

export interface DriftSeen {
  workflowId: string;
  /** ISO 8601: when it was looked. */
  at: string;
  summary: string;
  /** Things that are not as declared, or could not be looked at. */
  rows: number;
}

export interface NextTime {
  name: string;
  /** `nightly-backup of all` */
  runs: string;
  timeZone: string;
  paused: boolean;
  /** ISO 8601; absent where Temporal names no time. */
  at?: string;
}

export interface OpenRun extends RunSummary {
  paused: boolean;
  approval?: Approval;
  /** Resources that it waits for, with the runs that hold them. */
  waitingFor: { resource: string; holder: string }[];
  /** Nobody told: the run has no worker at the moment. */
  silent: boolean;
}

/** Open runs that go nowhere without a person. */
export const needsPerson = (run: OpenRun): boolean => run.paused || run.approval !== undefined || run.silent;
