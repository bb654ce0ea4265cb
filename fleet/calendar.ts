/** Times of day in a time zone, and what becomes of them when its clocks change. Pure: now is an argument. */

export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Day = (typeof DAYS)[number];

export interface Calendar {
  /** `04:15`. */
  at: string;
  days: readonly string[];
  timeZone: string;
}

/** A date on which the time of day is not there once. */
export interface ClockChange {
  /** `2027-03-28`. */
  date: string;
  type: 'skipped' | 'doubled';
  /** What runs on that date: none, one or two (milliseconds since 1970). */
  runs: number[];
}

const DAY_MS = 86_400_000;

/** Whether it is a name of the time zone database, in its spelling: a server on Linux knows no other. */
export function isTimeZone(name: string): boolean {
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

/** The dates between the two on which a change of the clocks leaves a run out or makes one more possible. */
export const clockChanges = (calendar: Calendar, from: number, to: number): ClockChange[] =>
  datesBetween(calendar, from, to).flatMap((date) => {
    const { instants, runs } = runsOn(calendar, date);
    if (instants === 1) return [];
    return [{ date: isoDate(date), type: instants === 0 ? ('skipped' as const) : ('doubled' as const), runs }];
  });

/** Dates, as midnights of UTC, on the calendar's days; two more than are asked for, since zones are up to 14 hours away. */
function datesBetween({ days }: Calendar, from: number, to: number): number[] {
  const first = Math.floor(from / DAY_MS) * DAY_MS - DAY_MS;
  const count = Math.max(0, Math.ceil((to - first) / DAY_MS) + 1);
  return Array.from({ length: count }, (_, index) => first + index * DAY_MS).filter((date) =>
    days.includes(DAYS[(new Date(date).getUTCDay() + 6) % 7] ?? ''),
  );
}

/**
 * A time that comes twice runs twice for Temporal in zones west of Greenwich, and once, the second time, in the others
 * (server 1.32.0): it takes the offset that the zone has when that time is it in UTC, and of two goes on to the second only.
 */
function runsOn({ at, timeZone }: Calendar, date: number): { instants: number; runs: number[] } {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  const asUtc = date + (hour * 60 + minute) * 60_000;
  const offsets = new Set([offsetAt(asUtc - DAY_MS, timeZone), offsetAt(asUtc + DAY_MS, timeZone)]);
  const instants = [...offsets]
    .map((offset) => asUtc - offset)
    .filter((instant) => instant + offsetAt(instant, timeZone) === asUtc)
    .sort((a, b) => a - b);
  const chosen = asUtc - offsetAt(asUtc, timeZone);
  return {
    instants: instants.length,
    runs: instants.length < 2 ? instants : instants.filter((each) => each >= chosen),
  };
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
export function describeClockChange({ at, timeZone }: Calendar, { date, type, runs }: ClockChange): string {
  if (type === 'skipped') return `${at} does not exist in ${timeZone} on ${date}: nothing runs then`;
  const utc = runs.map((time) => `${new Date(time).toISOString().slice(11, 16)} UTC`).join(' and ');
  return `${at} comes twice in ${timeZone} on ${date}: it runs ${runs.length === 1 ? 'once' : 'twice'}, at ${utc}`;
}
