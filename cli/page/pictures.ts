import { clean } from '../render/clean.ts';
import { fit } from '../render/text.ts';
import { age, bytes, dateTime, took } from '../render/units.ts';
import { lastDays, type AgeRow, type DurationRow, type TransferDay } from './history.ts';
import { label, LABELS, months, picture, round, timeScale, titled, WIDTH } from './svg.ts';

const DAY_MS = 86_400_000;
/** Below are the names of months. */
const FOOT = 20;
const LABEL_LETTERS = 36;
const GAP = 1;

/** How old is how bad; the worse, the higher is the mark, so that it does not take colours to see it. */
const LEVELS = [
  { name: 'fresh', upTo: 1.5 * DAY_MS, height: 6 },
  { name: 'late', upTo: 3 * DAY_MS, height: 11 },
  { name: 'old', upTo: Number.POSITIVE_INFINITY, height: 18 },
] as const;
export const LEVEL_WORDS = 'low: at most a day and a half; middle: up to three days; high: older; empty: none known';

const CALENDAR_ROW = 26;

/** How old each copy was, day by day. SVG. Pure. */
export function ageCalendar(rows: readonly AgeRow[], now: number): string {
  const bottom = rows.length * CALENDAR_ROW + 4;
  const x = timeScale(now);
  const days = lastDays(now);
  const cells = rows.flatMap(({ of, place, ages }, row) => {
    const base = row * CALENDAR_ROW + CALENDAR_ROW - 4;
    const name = clean(`${of} at ${place}`);
    return [
      label(fit(name, LABEL_LETTERS), base - 4),
      ...days.map(({ day }, at) => {
        const start = Date.parse(`${day}T00:00:00Z`);
        const [left, right] = [x(start), x(start + DAY_MS)];
        const ageMs = ages[at];
        const level = ageMs === undefined ? undefined : LEVELS.find(({ upTo }) => ageMs <= upTo);
        const height = level?.height ?? 2;
        const words = ageMs === undefined ? 'no copy known' : `${age(ageMs)} old`;
        return titled(
          `${name}, ${day}: ${words}`,
          `<rect class="cell ${level?.name ?? 'none'}" x="${round(left)}" y="${base - height}" width="${round(right - left - GAP)}" height="${height}"/>`,
        );
      }),
    ];
  });
  return picture('How old the newest copy was at the end of each day', bottom + FOOT, [
    ...months(now, 0, bottom),
    ...cells,
  ]);
}

const BARS = 110;

/** What backups moved each day. SVG. Pure. */
export function transferBars(days: readonly TransferDay[], now: number): string {
  const most = Math.max(1, ...days.map((day) => day.bytes));
  const x = timeScale(now);
  const bottom = BARS + 12;
  const bars = days.map(({ day, bytes: moved, copied, failed }) => {
    const start = Date.parse(`${day}T00:00:00Z`);
    const [left, right] = [x(start), x(start + DAY_MS)];
    // Also the smallest transfer is to be seen.
    const height = moved === 0 ? 0 : Math.max(2, (moved / most) * BARS);
    const failure =
      failed === 0
        ? ''
        : `<text class="failed" x="${round((left + right) / 2)}" y="${round(bottom - height - 3)}">×</text>`;
    return copied + failed === 0
      ? ''
      : titled(
          `${day}: ${bytes(moved)}, copied ${copied}, failed ${failed}`,
          `<rect class="bar" x="${round(left)}" y="${round(bottom - height)}" width="${round(right - left - GAP)}" height="${round(height)}"/>${failure}`,
        );
  });
  const scale = [1, 0.5].map((part) => {
    const y = bottom - part * BARS;
    return `<line class="tick" x1="${LABELS}" y1="${round(y)}" x2="${WIDTH - 10}" y2="${round(y)}"/><text class="value" x="${LABELS - 8}" y="${round(y + 4)}">${bytes(most * part)}</text>`;
  });
  return picture('Bytes that backups moved each day', bottom + FOOT, [
    ...scale,
    ...months(now, 0, bottom),
    ...bars.filter((bar) => bar !== ''),
  ]);
}

const DURATION_ROW = 56;

/** How long each run took, a row per runbook with a scale of its own. SVG. Pure. */
export function durationDots(rows: readonly DurationRow[], now: number): string {
  const bottom = rows.length * DURATION_ROW;
  const x = timeScale(now);
  const content = rows.flatMap(({ runbook, runs, longestMs }, row) => {
    const base = (row + 1) * DURATION_ROW - 8;
    const room = DURATION_ROW - 20;
    return [
      label(fit(clean(runbook), 24), base - room / 2 + 4),
      `<line class="tick" x1="${LABELS}" y1="${base}" x2="${WIDTH - 10}" y2="${base}"/>`,
      `<text class="value" x="${LABELS - 8}" y="${base - room + 4}">${took(longestMs)}</text>`,
      ...runs.map(({ at, ms, isGood, what }) => {
        const [left, y] = [x(at), base - (ms / Math.max(1, longestMs)) * room];
        const title = `${clean(what)}, ended ${dateTime(new Date(at).toISOString())}: ${isGood ? '' : 'not as wished, '}${took(ms)}`;
        return titled(
          title,
          isGood
            ? `<circle class="good" cx="${round(left)}" cy="${round(y)}" r="3.5"/>`
            : `<text class="failed" x="${round(left)}" y="${round(y + 5)}">×</text>`,
        );
      }),
    ];
  });
  return picture('How long each run took', bottom + FOOT, [...months(now, 0, bottom), ...content]);
}
