/** Times of day in a time zone, and what becomes of them when its clocks change. Pure: now is an argument. */

export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

export interface Calendar {
  /** `04:15`. */
  at: string;
  days: readonly string[];
  timeZone: string;
}

/** A date on which the time of day does not come once, or Temporal does not run once. */
export interface ClockChange {
  /** `2027-03-28`. */
  date: string;
  /** How often the clocks show that time. */
  times: number;
  /** What runs on that date (milliseconds since 1970). */
  runs: number[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Whether it is a name of the time zone database, in its spelling: a server on Linux knows no other. */
export function isTimeZone(name: string): boolean {
  // Newer JavaScript takes offsets for zones, which Temporal does not.
  if (/^[+-]/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone.toLowerCase() !== name.toLowerCase() || timeZone === name;
  } catch {
    return false;
  }
}

/** Every time later than `from` and not later than `to`. */
export const timesBetween = (calendar: Calendar, from: number, to: number): number[] =>
  datesBetween(calendar, from, to)
    .flatMap((date) => runsOn(calendar, date).runs)
    .filter((time) => time > from && time <= to);

/** The dates between the two on which a change of the clocks leaves a run out, moves it, or adds one. */
export const clockChanges = (calendar: Calendar, from: number, to: number): ClockChange[] =>
  datesBetween(calendar, from, to)
    .map((date) => ({ date: isoDate(date), ...runsOn(calendar, date) }))
    .filter(({ times, runs }) => times !== 1 || runs.length !== 1);

/** Dates, as midnights of UTC, on the calendar's days; two more than are asked for, since zones are up to 14 hours away. */
function datesBetween({ days }: Calendar, from: number, to: number): number[] {
  const first = Math.floor(from / DAY_MS) * DAY_MS - DAY_MS;
  const count = Math.max(0, Math.ceil((to - first) / DAY_MS) + 1);
  return Array.from({ length: count }, (_, index) => first + index * DAY_MS).filter((date) =>
    days.includes(DAYS[(new Date(date).getUTCDay() + 6) % 7] ?? ''),
  );
}

/**
 * What Temporal makes of it (server 1.32.0, held to it by test/temporal/schedules-clock.test.ts). Of a time that comes twice it
 * takes what Go's `time.Date` takes. Where from the hour before to the next it is more than an hour by then, the run is
 * repeated after one hour, whatever the clocks show.
 */
function runsOn({ at, timeZone }: Calendar, date: number): { times: number; runs: number[] } {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  const local = date + hour * HOUR_MS + minute * 60_000;
  const hourOf = (instant: number): number => new Date(instant + offsetAt(instant, timeZone)).getUTCHours();
  const times = timesOf(local, timeZone);
  const first = taken(local, timeZone);
  if (hourOf(first) !== hour) return { times, runs: [] };
  const top = date + hour * HOUR_MS;
  const isLong = taken(top + HOUR_MS, timeZone) - taken(top, timeZone) > HOUR_MS;
  const isSecond = hourOf(first - HOUR_MS) === hour;
  return { times, runs: isLong && !isSecond ? [first, first + HOUR_MS] : [first] };
}

/** How often the clocks show a local time, which is given as if it were UTC. */
function timesOf(local: number, timeZone: string): number {
  const offsets = new Set([offsetAt(local - DAY_MS, timeZone), offsetAt(local + DAY_MS, timeZone)]);
  return [...offsets].filter((offset) => offsetAt(local - offset, timeZone) === offset).length;
}

/** The instant that Go takes for a local time: by the offset at that time in UTC, or else by that at the instant so found. */
function taken(local: number, timeZone: string): number {
  const found = local - offsetAt(local, timeZone);
  return local - offsetAt(found, timeZone);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds that the zone's clocks are ahead of UTC at that instant. */
function offsetAt(instant: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const { year, month, day, hour, minute, second } = parts as Record<string, string>;
  const local = Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`);
  return local - Math.floor(instant / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const two = '2-digit';
  const made = new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: two, day: two },
    ...{ hour: two, minute: two, second: two },
  });
  formats.set(timeZone, made);
  return made;
}

const isoDate = (date: number): string => new Date(date).toISOString().slice(0, 10);

/** An instant as that zone's clocks show it: `2027-03-28 04:15 Europe/Berlin`. */
export const inZone = (instant: number, timeZone: string): string =>
  `${new Date(instant + offsetAt(instant, timeZone)).toISOString().slice(0, 16).replace('T', ' ')} ${timeZone}`;

/** A change for people, with what it does to a schedule. */
export function describeClockChange({ at, timeZone }: Calendar, { date, times, runs }: ClockChange): string {
  const fact = ['does not exist', 'is beside a change of the clocks', 'comes twice'][times] ?? '';
  const utc = runs.map((time) => `${new Date(time).toISOString().slice(11, 16)} UTC`).join(' and ');
  const what = runs.length === 0 ? 'nothing runs then' : `it runs ${runs.length === 1 ? 'once' : 'twice'}, at ${utc}`;
  return `${at} ${fact} in ${timeZone} on ${date}: ${what}`;
}
