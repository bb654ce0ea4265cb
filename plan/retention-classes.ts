/** The calendar's periods, of which a policy keeps the newest snapshot each. */

export const CLASSES = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type RetentionClass = (typeof CLASSES)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An instant as the clocks of a time zone show it. */
export interface LocalTime {
  /** As if it were UTC. */
  local: number;
  /** The same as ISO 8601. */
  iso: string;
  offset: number;
}

/** The period of a class that an instant is in, as a person reads it. Two instants are in one period if this is equal. */
export function periodOf(name: RetentionClass, { local, iso, offset }: LocalTime): string {
  switch (name) {
    case 'hourly':
      // When the clocks go back, an hour comes twice: those are two.
      return `${iso.slice(0, 13)}h${offset === 0 ? '' : ` (${offset < 0 ? '-' : '+'}${Math.abs(offset) / HOUR_MS})`}`;
    case 'daily':
      return iso.slice(0, 10);
    case 'weekly':
      return `the week of ${mondayOf(local)}`;
    case 'monthly':
      return iso.slice(0, 7);
    case 'yearly':
      return iso.slice(0, 4);
  }
}

function mondayOf(local: number): string {
  const day = Math.floor(local / DAY_MS);
  // 1970 began on a Thursday.
  const sinceMonday = (((day + 3) % 7) + 7) % 7;
  return new Date((day - sinceMonday) * DAY_MS).toISOString().slice(0, 10);
}

type Clock = (instant: number) => LocalTime;
const clocks = new Map<string, Clock>();

/** Tells the local time of instants. To ask for an offset is slow, and many snapshots are of one time. */
export function clockOf(timeZone: string): Clock {
  const known = clocks.get(timeZone) ?? makeClock(timeZone);
  clocks.set(timeZone, known);
  return known;
}

const UTC: Clock = (instant) => localTime(instant, 0);

const localTime = (instant: number, offset: number): LocalTime => ({
  local: instant + offset,
  iso: new Date(instant + offset).toISOString(),
  offset,
});

function makeClock(timeZone: string): Clock {
  if (timeZone === 'UTC') return UTC;
  const format = formatOf(timeZone);
  const known = new Map<number, number>();
  return (instant) => {
    // Clocks change at a quarter of an hour.
    const quarter = Math.floor(instant / (HOUR_MS / 4));
    const offset = known.get(quarter) ?? offsetAt(quarter * (HOUR_MS / 4), format);
    known.set(quarter, offset);
    return localTime(instant, offset);
  };
}

function offsetAt(instant: number, format: Intl.DateTimeFormat): number {
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts as Record<string, number>;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

const formatOf = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
