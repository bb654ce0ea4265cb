import type { AppliedSchedule, ScheduledEnd } from './schedules.ts';

/** What became of what a schedule started last: open means that no worker has taken it up yet. */
export type LastEnd = ScheduledEnd | { type: 'open' };

export interface ScheduleTrouble {
  name: string;
  problem: string;
  command: string;
}

/** Temporal begins what is due within seconds; a server that has just come back makes up for it in as little. */
const GRACE_MS = 5 * 60_000;

/**
 * What a person has to know of a schedule; the next run that begins makes up for it. `timesBetween` are the times
 * when it is due. Pure.
 */
export function troubleOf(
  schedule: AppliedSchedule,
  last: LastEnd | undefined,
  now: number,
  timesBetween: (from: number, to: number) => number[],
  shown: (time: number) => string,
): ScheduleTrouble | undefined {
  const { name } = schedule;
  const missed = missedTimes(schedule, now, timesBetween).map(shown);
  if (missed.length > 0)
    return trouble(name, `did not run at ${missed.join(', ')}: Temporal was down for longer than its catch-up window`);
  if (last?.type === 'missed' || last?.type === 'failed')
    return trouble(name, `did not run at ${shown(Date.parse(schedule.last?.dueAt ?? ''))}: ${last.reason}`);
  return undefined;
}

const trouble = (name: string, problem: string): ScheduleTrouble => ({
  name,
  problem,
  command: `runbook schedules trigger ${name}`,
});

const MOST_SHOWN = 5;

/** The latest times since its last run at which nothing began, where Temporal says that it has missed any. */
function missedTimes(
  { paused, missed, last, createdAt, updatedAt, note, jitterMs }: AppliedSchedule,
  now: number,
  timesBetween: (from: number, to: number) => number[],
): number[] {
  if (paused || missed === 0) return [];
  const since = [createdAt, updatedAt, last?.dueAt, resumedAt(note)].map((at) => Date.parse(at ?? ''));
  const from = Math.max(...since.filter((time) => !Number.isNaN(time)));
  return timesBetween(from, now - jitterMs - GRACE_MS).slice(-MOST_SHOWN);
}

/** What was due while it was paused was not missed. */
const resumedAt = (note: string): string | undefined => /^resumed (\S+)/.exec(note)?.[1];

/** What `pause` and `resume` leave in Temporal. */
export const handNote = (what: 'paused' | 'resumed', now: number, actor: string, reason: string | undefined): string =>
  `${what} ${new Date(now).toISOString().slice(0, 19)}Z by ${actor}${reason === undefined ? '' : `: ${reason}`}`;
