import type { CopiesTold } from '../fleet-copies.ts';
import type { RunSummary } from '../temporal/list-runs.ts';

/** What the pictures are of. */
export interface FleetHistory {
  /** Milliseconds since 1970. */
  now: number;
  /** Closed runs of the last days, the newest first. */
  runs: readonly RunSummary[];
  /** What of them told of copies. */
  told: readonly CopiesTold[];
  /** Runs that told of copies and were not read, as they are too many. */
  unread: number;
  /** There were more runs than are listed. */
  isCutOff: boolean;
}

const DAY_MS = 86_400_000;
export const DAYS = 90;

/** A day in UTC: `2026-11-23`, and when it is over. */
export interface Day {
  day: string;
  /** Milliseconds since 1970; of today: now. */
  end: number;
}

/** The last days, the oldest first; the last is today. Pure. */
export function lastDays(now: number): Day[] {
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  return Array.from({ length: DAYS }, (_, at) => {
    const start = midnight - (DAYS - 1 - at) * DAY_MS;
    return { day: dayOf(start), end: Math.min(now, start + DAY_MS) };
  });
}

export const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);

/** When the first of the days began: ISO 8601. */
export const sinceOf = (now: number): string => `${lastDays(now)[0]?.day ?? ''}T00:00:00.000Z`;

/** How old the newest copy was at the end of each day; absent where none was known. */
export interface AgeRow {
  of: string;
  place: string;
  ages: (number | undefined)[];
}

/** From what each run saw: between two of them a copy grows older. Pure. */
export function agesByDay(
  told: readonly CopiesTold[],
  copies: readonly { of: string; place: string }[],
  now: number,
): AgeRow[] {
  const days = lastDays(now);
  return copies.map(({ of, place }) => {
    const seen = told.flatMap(({ at, copies: all }) =>
      all.flatMap((copy) =>
        copy.volume === of && copy.place === place && copy.newestAt !== undefined
          ? [{ at: Date.parse(at), newestAt: Date.parse(copy.newestAt) }]
          : [],
      ),
    );
    const ages = days.map(({ end }) => {
      const known = seen.filter(({ at }) => at <= end).map(({ newestAt }) => newestAt);
      return known.length === 0 ? undefined : Math.max(0, end - Math.max(...known));
    });
    return { of, place, ages };
  });
}

export interface TransferDay extends Day {
  bytes: number;
  copied: number;
  failed: number;
}

/** What backups moved. Pure. */
export function transfersByDay(told: readonly CopiesTold[], now: number): TransferDay[] {
  return lastDays(now).map((day) => {
    const copies = told
      .filter(({ runbook, at }) => runbook === 'nightly-backup' && at.startsWith(day.day))
      .flatMap((each) => each.copies);
    const count = (outcome: string): number => copies.filter((copy) => copy.outcome === outcome).length;
    const bytes = copies.reduce((sum, copy) => sum + (copy.bytes ?? 0), 0);
    return { ...day, bytes, copied: count('copied'), failed: count('failed') };
  });
}

export interface DurationRow {
  runbook: string;
  /** The oldest first. */
  runs: { at: number; ms: number; isGood: boolean; what: string }[];
  good: number;
  medianMs: number;
  longestMs: number;
}

/** How long runs took, by runbook, those that run most often first. Pure. */
export function durations(runs: readonly RunSummary[], now: number): DurationRow[] {
  const first = Date.parse(sinceOf(now));
  const rows = new Map<string, DurationRow['runs']>();
  for (const { runbook, workflowId, startedAt, closedAt, status, outcome } of runs) {
    if (closedAt === undefined) continue;
    const at = Date.parse(closedAt);
    if (at < first || at > now) continue;
    const isGood = status === 'Completed' && outcome !== 'Failed' && outcome !== 'RolledBack';
    const row = rows.get(runbook) ?? [];
    row.push({ at, ms: Math.max(0, at - Date.parse(startedAt)), isGood, what: workflowId });
    rows.set(runbook, row);
  }
  return [...rows]
    .map(([runbook, all]) => {
      const sorted = all.map(({ ms }) => ms).sort((a, b) => a - b);
      return {
        ...{ runbook, runs: all.sort((a, b) => a.at - b.at) },
        good: all.filter(({ isGood }) => isGood).length,
        medianMs: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0,
        longestMs: sorted.at(-1) ?? 0,
      };
    })
    .sort((a, b) => b.runs.length - a.runs.length || a.runbook.localeCompare(b.runbook));
}
