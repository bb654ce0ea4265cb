import { escapeHtml } from '../report/escape-html.ts';
import { dayOf, lastDays } from './history.ts';

/** Units of a picture; it is scaled to the page. */
export const WIDTH = 1000;
export const LABELS = 250;
const RIGHT = 10;

/** Where a moment of the last days is, between the labels and the right edge. */
export function timeScale(now: number): (instant: number) => number {
  const first = Date.parse(`${lastDays(now)[0]?.day ?? ''}T00:00:00Z`);
  const last = Date.parse(`${dayOf(now)}T00:00:00Z`) + 86_400_000;
  return (instant) => LABELS + Math.min(1, Math.max(0, (instant - first) / (last - first))) * (WIDTH - LABELS - RIGHT);
}

/** A picture with what a screen reader says of it. `content` is SVG already. */
export const picture = (label: string, height: number, content: readonly string[]): string =>
  [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">`,
    `<title>${escapeHtml(label)}</title>`,
    ...content,
    '</svg>',
  ].join('\n');

/** The first of each month, as lines through the picture with their names below. */
export function months(now: number, top: number, bottom: number): string[] {
  const x = timeScale(now);
  return lastDays(now)
    .filter(({ day }) => day.endsWith('-01'))
    .map(({ day }) => {
      const at = round(x(Date.parse(`${day}T00:00:00Z`)));
      return `<line class="tick" x1="${at}" y1="${top}" x2="${at}" y2="${bottom}"/><text class="scale" x="${at}" y="${bottom + 14}">${day}</text>`;
    });
}

export const label = (text: string, y: number): string =>
  `<text class="label" x="0" y="${round(y)}">${escapeHtml(text)}</text>`;

/** What is shown where the pointer rests; `shape` is SVG already. */
export const titled = (title: string, shape: string): string => `<g><title>${escapeHtml(title)}</title>${shape}</g>`;

export const round = (value: number): string => value.toFixed(1);
