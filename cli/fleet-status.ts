import type { FleetGlance } from '../plan/glance.ts';
import type { ScheduleTrouble } from '../plan/schedule-health.ts';
import type { Approval } from '../plan/run.ts';
import type { FleetOutline } from '../fleet/outline.ts';
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
