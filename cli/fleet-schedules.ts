import { inZone, timesBetween } from '../fleet/calendar.ts';
import { troubleOf, type LastEnd, type ScheduleTrouble } from '../plan/schedule-health.ts';
import type { AppliedSchedule } from '../plan/schedules.ts';
import { CliError } from './errors.ts';
import type { Connected } from './temporal/connect.ts';
import { readLastEnd } from './temporal/scheduled-end.ts';
import { listMarks, readSchedule } from './temporal/schedules.ts';
import { suggest } from '../fleet/suggest.ts';
import { allOf } from './temporal/all-of.ts';

/** A schedule as it is in Temporal, with what came of it last and what a person has to know. */
export interface SeenSchedule extends AppliedSchedule {
  end?: LastEnd;
  trouble?: ScheduleTrouble;
}

/** The schedules of a fleet by their names, and the fleets of the others that runbook has made. */
export async function readSchedules(
  connected: Connected,
  fleet: string,
): Promise<{ schedules: AppliedSchedule[]; otherFleets: string[] }> {
  const marks = await listMarks(connected);
  const names = marks.filter((mark) => mark.fleet === fleet).map(({ schedule }) => schedule);
  const found = await allOf(names.sort().map((name) => readSchedule(connected, fleet, name)));
  return {
    // One that was deleted is listed for a moment longer.
    schedules: found.filter((each) => typeof each !== 'string'),
    otherFleets: [...new Set(marks.map((mark) => mark.fleet))].filter((name) => name !== fleet).sort(),
  };
}

/** One of the fleet's schedules. Throws CliError `failed` where Temporal has none of that name. */
export async function requireSchedule(connected: Connected, fleet: string, name: string): Promise<AppliedSchedule> {
  const found = await readSchedule(connected, fleet, name);
  if (typeof found !== 'string') return found;
  const names = (await listMarks(connected)).filter((mark) => mark.fleet === fleet).map(({ schedule }) => schedule);
  const meant = suggest(name, names);
  throw new CliError('failed', `Temporal has no schedule ${name} of ${fleet}.`, {
    description: [
      meant === undefined ? 'What runbook.yaml declares has to be applied first.' : `Did you mean ${meant}?`,
    ],
    suggestions: [
      { command: 'runbook schedules apply', purpose: 'bring runbook.yaml into effect' },
      { command: 'runbook schedules list', purpose: 'see those that are there' },
    ],
  });
}

/** Of every fleet that this Temporal is for: who stands in none wants to know as well. */
export async function allSchedules(connected: Connected, now: number): Promise<SeenSchedule[]> {
  const marks = await listMarks(connected);
  const found = await allOf(marks.map(({ fleet, schedule }) => readSchedule(connected, fleet, schedule)));
  const schedules = found.filter((each) => typeof each !== 'string');
  return withEnds(connected, schedules, { now, onlyTrouble: true });
}

/** Each with what came of it last, and what a person has to know. */
export const withEnds = (
  connected: Connected,
  schedules: readonly AppliedSchedule[],
  { now, onlyTrouble }: { now: number; onlyTrouble: boolean },
): Promise<SeenSchedule[]> =>
  allOf(
    schedules.map(async (schedule) => {
      const end = schedule.last && (await readLastEnd(connected, schedule.last, onlyTrouble));
      const trouble = troubleNow(schedule, end, now);
      return { ...schedule, ...(end && { end }), ...(trouble && { trouble }) };
    }),
  );

function troubleNow(schedule: AppliedSchedule, end: LastEnd | undefined, now: number): ScheduleTrouble | undefined {
  const { calendar } = schedule;
  return troubleOf(
    schedule,
    end,
    now,
    (from, to) => (calendar === undefined ? [] : timesBetween(calendar, from, to)),
    (time) => inZone(time, calendar?.timeZone ?? 'UTC'),
  );
}
