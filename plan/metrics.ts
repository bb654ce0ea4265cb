/**
 * What the worker tells Prometheus of itself: every name, what it means and its labels. What is not known has no sample, never a
 * nought. Times are moments: an age that is computed where the question is asked goes on growing when nobody measures any more.
 */
export const GAUGES = {
  runbook_backup_newest_timestamp_seconds: {
    source: 'backups',
    help: 'When the newest copy was made that the target has, as seen at the target.',
    labels: ['volume', 'target'],
  },
  runbook_backup_max_age_seconds: {
    source: 'backups',
    help: 'How old the newest copy may be, as the fleet file says.',
    labels: ['volume', 'target'],
  },
  runbook_backup_outcome: {
    source: 'backups',
    help: 'Always 1. The outcome is how the copy was when it was looked at: fresh, stale, incomplete, failed or never.',
    labels: ['volume', 'target', 'outcome'],
  },
  runbook_backup_proof: {
    source: 'backups',
    help: 'Always 1. The outcome is how the last restore for a proof ended: proven or failed; never where there was none.',
    labels: ['volume', 'target', 'outcome'],
  },
  runbook_backup_last_proven_timestamp_seconds: {
    source: 'backups',
    help: 'When the copy was last restored and found to be as its source.',
    labels: ['volume', 'target'],
  },
  runbook_backup_proof_max_age_seconds: {
    source: 'backups',
    help: 'How long ago the last proof may be, as the fleet file says.',
    labels: [],
  },
  runbook_backup_problems: {
    source: 'backups',
    help: 'Entries of backups in the fleet file that select nothing, and the like.',
    labels: [],
  },
  runbook_backup_upkeep_overdue: {
    source: 'backups',
    help: 'What a restic repository needs and did not get in time.',
    labels: ['repository'],
  },
  runbook_run_start_timestamp_seconds: {
    source: 'runs',
    help: 'When a run that is open began.',
    labels: ['runbook', 'subject'],
  },
  runbook_run_paused: {
    source: 'runs',
    help: 'Always 1: the run is held by a person.',
    labels: ['runbook', 'subject'],
  },
  runbook_approval_asked_timestamp_seconds: {
    source: 'runs',
    help: 'Since when a run waits for a person to approve.',
    labels: ['runbook', 'subject'],
  },
  runbook_approval_deadline_timestamp_seconds: {
    source: 'runs',
    help: 'When no answer will count as a no.',
    labels: ['runbook', 'subject'],
  },
  runbook_run_last_outcome: {
    source: 'runs',
    help: 'Always 1. The outcome is how the latest run of this kind ended; Declined where a person wanted it so.',
    labels: ['runbook', 'subject', 'outcome'],
  },
  runbook_run_last_end_timestamp_seconds: {
    source: 'runs',
    help: 'When the latest run of this kind ended.',
    labels: ['runbook', 'subject'],
  },
  runbook_run_last_duration_seconds: {
    source: 'runs',
    help: 'How long the latest run of this kind took, with what it waited.',
    labels: ['runbook', 'subject'],
  },
  runbook_lock_held: {
    source: 'runs',
    help: 'Always 1: the run holds the lock of the resource.',
    labels: ['resource', 'holder'],
  },
  runbook_lock_waiting: {
    source: 'runs',
    help: 'Runs that wait for the lock of the resource.',
    labels: ['resource'],
  },
  runbook_drift_rows: {
    source: 'runs',
    help: 'What the latest drift found to be otherwise than declared; of the kind unknown: what it could not look at.',
    labels: ['subject', 'kind'],
  },
  runbook_drift_seen_timestamp_seconds: {
    source: 'runs',
    help: 'When the latest drift that looked at all was over.',
    labels: ['subject'],
  },
} as const satisfies Record<string, { source: MetricSource; help: string; labels: readonly string[] }>;

/** `backups`: asked of every target by ssh, seldom. `runs`: asked of Temporal, often. */
export type MetricSource = 'backups' | 'runs';
export type GaugeName = keyof typeof GAUGES;

/** One value of one gauge. */
export interface Sample {
  name: GaugeName;
  labels: Record<string, string>;
  value: number;
}

export const sample = (name: GaugeName, labels: Record<string, string>, value = 1): Sample => ({ name, labels, value });

/** Of an ISO 8601 date, as Prometheus has moments. */
export const unixSeconds = (iso: string): number => Date.parse(iso) / 1000;
