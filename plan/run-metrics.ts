import { DRIFT_KINDS } from './drift-seen.ts';
import { sample, unixSeconds, type Sample } from './metrics.ts';
import { NOBODY, type RunView } from './run.ts';

/** Runs and locks as Temporal has them. */
export interface SeenRuns {
  open: OpenSeen[];
  /** Of each id the latest that is over. */
  ended: EndSeen[];
  locks: { resource: string; holder?: string; waiting: number }[];
}

interface Named {
  runbook: string;
  subject: string;
}

export interface OpenSeen extends Named {
  startedAt: string;
  /** Absent where the run could not be asked. */
  view?: Pick<RunView, 'paused' | 'approval'>;
}

export interface EndSeen extends Named {
  startedAt: string;
  closedAt: string;
  /** Of the run, or how Temporal says that it ended: `Terminated`. */
  outcome: string;
  /** What it left, where that was looked at. */
  view?: RunView;
}

/** A run that nobody has to look at: a person wanted it to end so. */
const DECLINED = 'Declined';

/** Their run of `all` looks at or copies what a run of one node does: where it began later and got there, it makes up for that. */
const MAKE_UP = ['drift', 'nightly-backup'];
const GOT_THERE = ['Done', 'AlreadySo'];

/** Those that no later run of everything has made up for. Pure. */
export function notMadeUpFor<Run extends MadeUp>(ended: readonly Run[]): Run[] {
  const since = new Map(
    ended
      .filter(({ runbook, subject, outcome }) => MAKE_UP.includes(runbook) && subject === 'all' && hasGotThere(outcome))
      .map(({ runbook, startedAt }) => [runbook, startedAt]),
  );
  return ended.filter(
    ({ runbook, subject, startedAt, closedAt = startedAt }) =>
      subject === 'all' || closedAt > (since.get(runbook) ?? ''),
  );
}

interface MadeUp extends Named {
  startedAt: string;
  closedAt?: string;
  outcome?: string;
}

const hasGotThere = (outcome = ''): boolean => GOT_THERE.includes(outcome);

/** What the metrics say of runs. Pure. */
export const runSamples = ({ open, ended, locks }: SeenRuns): Sample[] => [
  ...open.flatMap(openSamples),
  ...notMadeUpFor(ended).flatMap(endSamples),
  ...locks.flatMap(({ resource, holder, waiting }) => [
    ...(holder === undefined ? [] : [sample('runbook_lock_held', { resource, holder })]),
    sample('runbook_lock_waiting', { resource }, waiting),
  ]),
];

function openSamples({ runbook, subject, startedAt, view }: OpenSeen): Sample[] {
  const labels = { runbook, subject };
  const { approval } = view ?? {};
  return [
    sample('runbook_run_start_timestamp_seconds', labels, unixSeconds(startedAt)),
    ...(view?.paused === true ? [sample('runbook_run_paused', labels)] : []),
    ...(approval === undefined
      ? []
      : [
          sample('runbook_approval_asked_timestamp_seconds', labels, unixSeconds(approval.askedAt)),
          sample('runbook_approval_deadline_timestamp_seconds', labels, unixSeconds(approval.deadline)),
        ]),
  ];
}

function endSamples(end: EndSeen): Sample[] {
  const { runbook, subject, startedAt, closedAt } = end;
  const labels = { runbook, subject };
  const closed = unixSeconds(closedAt);
  return [
    sample('runbook_run_last_outcome', { ...labels, outcome: outcomeOf(end) }),
    sample('runbook_run_last_end_timestamp_seconds', labels, closed),
    sample('runbook_run_last_duration_seconds', labels, closed - unixSeconds(startedAt)),
    ...driftSamples(end, closed),
  ];
}

/** How it ended, for the metrics. */
export const outcomeOf = ({ outcome, view }: Pick<EndSeen, 'outcome' | 'view'>): string =>
  view !== undefined && wasWished(view) ? DECLINED : outcome;

/** One that looked and found nothing has noughts; one that could not look has no rows at all. */
function driftSamples({ runbook, subject, view }: EndSeen, closed: number): Sample[] {
  if (runbook !== 'drift' || view?.drift === undefined) return [];
  const rows = view.drift;
  return [
    ...DRIFT_KINDS.map((kind) =>
      sample('runbook_drift_rows', { subject, kind }, rows.filter((row) => row.kind === kind).length),
    ),
    sample('runbook_drift_seen_timestamp_seconds', { subject }, closed),
  ];
}

/**
 * Ended so by a person's wish, with all as before: a question that was answered by no, a cancel. An answer that never
 * came is nobody's wish.
 */
export function wasWished({ result, decisions }: RunView): boolean {
  if (result?.outcome !== 'RolledBack' && result?.unchanged !== true) return false;
  const { type } = result.failure ?? {};
  return type === 'Cancelled' || (type === 'NotApproved' && decisions.at(-1)?.actor !== NOBODY);
}
