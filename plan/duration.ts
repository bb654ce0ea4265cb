import { count } from './count.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration as the fleet file writes it (`26h`); the schema has checked its form. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  if (!match) throw new RangeError(`Expected a duration like 26h, got ${JSON.stringify(text)}`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

const WORDS = { ms: 'ms', s: 's', m: 'min', h: 'h', d: 'day' } as const;

/** A duration of the fleet file for people: `7 days`, `26 h`, `30 s`. */
export function durationWords(text: string): string {
  const [, number = text, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (unit === 'd') return count(Number(number), WORDS.d);
  return unit === undefined ? text : `${number} ${WORDS[unit as keyof typeof WORDS]}`;
}

/** Milliseconds from one ISO 8601 time to another; negative where `then` is later. */
export function ageOf(then: string, now: string): number {
  return Date.parse(now) - Date.parse(then);
}

/** For people: the two largest units, `2 d 3 h`, `45 s`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
