import type { Calendar } from '../fleet/calendar.ts';
import type { Schedule } from '../fleet/schema.ts';
import { durationMs } from './duration.ts';

/** What of a schedule can differ between the fleet file and Temporal, each as people compare it. */
const FIELDS = ['runs', 'when', 'jitter', 'catch-up', 'overlap'] as const;
type Field = (typeof FIELDS)[number];
export type ScheduleTexts = Readonly<Record<Field, string>>;

/** A schedule of this fleet as Temporal has it. Times are ISO 8601. */
export interface AppliedSchedule {
  name: string;
  texts: ScheduleTexts;
  /** Absent where it is none that the fleet file could have asked for. */
  calendar?: Calendar;
  jitterMs: number;
  paused: boolean;
  /** Who paused or resumed it, and why. */
  note: string;
  nextAt: string[];
  /** What it started last. */
  last?: { workflowId: string; runId: string; dueAt: string };
  createdAt: string;
  updatedAt?: string;
  /** Since it is there: runs that were left out because Temporal was down, or because the one before had not begun. */
  missed: number;
  skipped: number;
}

/** What came of it when a schedule was due. */
export type ScheduledEnd =
  /** `workflowId` is the run, which goes on by itself. */
  | { type: 'started'; workflowId: string; runId: string; revision: string }
  /** Such a run was open. */
  | { type: 'skipped'; workflowId: string; reason: string }
  /** No worker took it up in time. */
  | { type: 'missed'; reason: string }
  | { type: 'failed'; reason: string };

export type ScheduleChange =
  | { type: 'create' | 'same' | 'delete'; name: string; texts: ScheduleTexts }
  | { type: 'update'; name: string; differences: { field: string; from: string; to: string }[] };

export interface SchedulesPlan {
  /** Declared ones first, in the order of the file. */
  changes: ScheduleChange[];
  /** A person paused them, so they stay paused. */
  staysPaused: { name: string; note: string }[];
}

/** How `apply` notes that a pause is the fleet file's; any other pause is a person's. */
export const PAUSED_BY_FILE = 'runbook.yaml says so';

/** What makes Temporal's schedules those of the fleet file. Pure. */
export function planSchedules(
  declared: Readonly<Record<string, Schedule>>,
  applied: readonly AppliedSchedule[],
): SchedulesPlan {
  const known = new Map(applied.map((each) => [each.name, each]));
  const wanted = Object.entries(declared).map(([name, schedule]) => changeOf(name, schedule, known.get(name)));
  const gone = applied
    .filter(({ name }) => !Object.hasOwn(declared, name))
    .map(({ name, texts }) => ({ type: 'delete' as const, name, texts }));
  const staysPaused = Object.entries(declared).flatMap(([name, schedule]) => {
    const there = known.get(name);
    return there !== undefined && there.paused && !schedule.paused && pausedAfter(schedule, there).paused
      ? [{ name, note: there.note }]
      : [];
  });
  return { changes: [...wanted, ...gone], staysPaused };
}

function changeOf(name: string, schedule: Schedule, there: AppliedSchedule | undefined): ScheduleChange {
  const texts = textsOf(schedule);
  if (there === undefined) return { type: 'create', name, texts };
  const differences: { field: string; from: string; to: string }[] = FIELDS.filter(
    (field) => texts[field] !== there.texts[field],
  ).map((field) => ({ field, from: there.texts[field], to: texts[field] }));
  const { paused } = pausedAfter(schedule, there);
  if (paused !== there.paused) differences.push({ field: 'paused', from: yesOrNo(there.paused), to: yesOrNo(paused) });
  return differences.length === 0 ? { type: 'same', name, texts } : { type: 'update', name, differences };
}

/** A pause of the fleet file comes and goes with it; one of a person is only ended by a person. */
export function pausedAfter(
  { paused }: Pick<Schedule, 'paused'>,
  there: Pick<AppliedSchedule, 'paused' | 'note'>,
): { paused: boolean; note: string } {
  if (paused) return there.paused ? there : { paused, note: PAUSED_BY_FILE };
  return there.paused && there.note !== PAUSED_BY_FILE ? there : { paused, note: there.paused ? '' : there.note };
}

/** As {@link AppliedSchedule} has them. */
export function textsOf({ runbook, node, at, days, timeZone, jitter, catchUp, overlap }: Schedule): ScheduleTexts {
  return {
    runs: runsText(runbook, node),
    when: whenText({ at, days, timeZone }),
    jitter: exactly(durationMs(jitter)),
    'catch-up': exactly(durationMs(catchUp)),
    overlap,
  };
}

export const runsText = (runbook: string, node: string | undefined): string => `${runbook} of ${node ?? 'all'}`;

const WEEK = 7;

export function whenText({ at, days, timeZone }: Calendar): string {
  const all = new Set(days);
  return `${at} ${all.size === WEEK ? 'each day' : `on ${[...all].join(', ')}`}, ${timeZone}`;
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A duration in one unit, as the fleet file writes it, so that none is taken for another. */
export function exactly(ms: number): string {
  if (ms === 0) return 'none';
  const [unit = 'ms', size = 1] = Object.entries(UNITS).find(([, each]) => ms % each === 0) ?? [];
  return `${ms / size}${unit}`;
}

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');
