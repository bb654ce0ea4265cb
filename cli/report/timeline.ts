import type { RunRecord, StepRecord } from '../run-history.ts';
import { clean } from '../render/clean.ts';
import { fit } from '../render/text.ts';
import { between, dateTime, took } from '../render/units.ts';
import { stateWord } from '../render/steps.ts';
import { escapeHtml } from './escape-html.ts';
import { lookOf } from './facts.ts';

/** Units of the picture; it is scaled to the page. */
const WIDTH = 1000;
const LABELS = 270;
const ROW = 24;
const HEAD = 26;
const FOOT = 8;
const NARROWEST_BAR = 3;
/** Steps of a scale that people read easily, in seconds. */
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const MOST_TICKS = 8;

/** When each step ran, as one picture: a bar per step, a line for what people did. SVG for an HTML page. Pure. */
export function renderTimeline(
  record: RunRecord,
  happenings: readonly { at: string; text: string }[],
  end: string,
): string {
  const start = record.run.startedAt;
  const total = Math.max(1, between(start, end));
  const x = (at: string): number =>
    LABELS + (Math.min(total, Math.max(0, between(start, at))) / total) * (WIDTH - LABELS - 10);
  const steps = record.steps.filter(({ startedAt }) => startedAt !== undefined);
  const height = HEAD + steps.length * ROW + FOOT;
  const ticks = tickSeconds(total).map((seconds) => {
    const at = LABELS + ((seconds * 1000) / total) * (WIDTH - LABELS - 10);
    return `<line class="tick" x1="${round(at)}" y1="${HEAD - 4}" x2="${round(at)}" y2="${height}"/><text class="scale" x="${round(at)}" y="16">${escapeHtml(took(seconds * 1000).replace('0.0 s', '0'))}</text>`;
  });
  const marks = happenings.map(
    ({ at, text }) =>
      `<g><title>${escapeHtml(`${dateTime(at)} ${text}`)}</title><line class="mark" x1="${round(x(at))}" y1="${HEAD - 4}" x2="${round(x(at))}" y2="${height}"/></g>`,
  );
  return [
    `<svg class="timeline" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="When each step ran">`,
    ...ticks,
    ...steps.map((step, row) => bar(step, HEAD + row * ROW, x, end)),
    ...marks,
    '</svg>',
  ].join('\n');
}

function bar(step: StepRecord, y: number, x: (at: string) => number, end: string): string {
  const from = step.startedAt ?? end;
  const until = step.endedAt ?? end;
  const left = x(from);
  const width = Math.max(NARROWEST_BAR, x(until) - left);
  const title = `${clean(step.phase)}: ${clean(step.title)}`;
  const hover = `${title} — ${stateWord(step)}, ${took(between(from, until))}, from ${dateTime(from)}`;
  return [
    `<g><title>${escapeHtml(hover)}</title>`,
    `<text class="label" x="0" y="${y + 16}">${escapeHtml(fit(title, 42))}</text>`,
    `<rect class="bar ${lookOf(step)}" x="${round(left)}" y="${y + 4}" width="${round(width)}" height="${ROW - 8}" rx="3"/>`,
    step.attempts > 1
      ? `<text class="attempts" x="${round(Math.min(left + width + 4, WIDTH - 30))}" y="${y + 16}">×${step.attempts}</text>`
      : '',
    '</g>',
  ].join('');
}

function tickSeconds(totalMs: number): number[] {
  const seconds = totalMs / 1000;
  const step = TICKS.find((each) => seconds / each <= MOST_TICKS) ?? Math.ceil(seconds / MOST_TICKS / 86_400) * 86_400;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, at) => at * step);
}

const round = (value: number): string => value.toFixed(1);
