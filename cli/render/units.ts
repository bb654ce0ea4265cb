const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took, for reading: `0.4 s`, `58 s`, `2 min 10 s`, `3 h 5 min`, `2 days 4 h`. */
export function took(ms: number): string {
  if (ms < SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, 'min', 's');
  if (seconds < 86_400) return pair(Math.floor(seconds / 60), 60, 'h', 'min');
  return pair(Math.floor(seconds / 3600), 24, seconds < 172_800 ? 'day' : 'days', 'h');
}

function pair(small: number, ratio: number, bigUnit: string, smallUnit: string): string {
  const rest = small % ratio;
  return `${Math.floor(small / ratio)} ${bigUnit}${rest === 0 ? '' : ` ${rest} ${smallUnit}`}`;
}

/** A running clock: `0:41`, `12:05`, `1:02:05`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0'));
  const hours = Math.floor(seconds / 3600);
  return hours === 0 ? `${Number(parts[0])}:${parts[1] ?? ''}` : `${hours}:${parts.join(':')}`;
}

/** An age in one unit, for lists: `8 s`, `13 min`, `4 h`, `2 days`. */
export function age(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  const days = Math.floor(ms / DAY);
  return days === 1 ? '1 day' : `${days} days`;
}

/** `812 B`, `1.2 GB`: decimal, as disks and networks are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Milliseconds between two ISO 8601 instants. */
export const between = (from: string, to: string): number => Date.parse(to) - Date.parse(from);

/** An ISO 8601 instant to the second: `2026-11-23T02:14:05Z`. */
export const instant = (iso: string): string => `${new Date(iso).toISOString().slice(0, 19)}Z`;

/** The same for a person, in UTC: `2026-11-23 02:14:05`. */
export const dateTime = (iso: string): string => new Date(iso).toISOString().slice(0, 19).replace('T', ' ');

export { count } from '../../plan/count.ts';
