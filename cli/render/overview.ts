import { inZone } from '../../fleet/calendar.ts';
import { copyTone, isLate, proofTone, type CopiesSeen, type CopySeen } from '../fleet-copies.ts';
import type { DriftSeen, FleetStatus, NextTime } from '../fleet-status.ts';
import { clean } from './clean.ts';
import type { Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { inTone } from './tone.ts';
import { renderTable, type Column } from './table.ts';
import { wrap } from './text.ts';
import { age } from './units.ts';

/** More than that do not fit on a screen beside the rest. */
const MOST_COPIES = 12;
const MOST_TIMES = 6;

/** Copies, drift and schedules, each under a line that says how it is. What nobody told of is left out. Pure. */
export function overviewLines(
  { copies, drift, next = [] }: FleetStatus,
  options: RenderOptions,
  paint: Paint,
): string[] {
  return [
    ...(copies === undefined ? [] : copyLines(copies, options, paint)),
    ...(drift === undefined ? [] : driftLines(drift, options, paint)),
    ...(next.length === 0 ? [] : nextLines(next, options, paint)),
  ];
}

const heading = (text: string, { width }: RenderOptions, colour: (text: string) => string): string[] => [
  '',
  ...wrap(clean(text), width).map(colour),
];

function copyLines(seen: CopiesSeen, options: RenderOptions, paint: Paint): string[] {
  const rows = shownFirst(seen.copies);
  const late = seen.copies.some(isLate);
  return [
    ...heading(copiesWords(seen), options, (text) => paint(late ? 'yellow' : 'bold', text)),
    ...renderTable(copyColumns(options.now), rows, { width: Math.max(1, options.width - 2), paint }).map(
      (line) => `  ${line}`,
    ),
    ...(rows.length === seen.copies.length
      ? []
      : wrap(`${seen.copies.length - rows.length} more: runbook backups`, options.width - 2).map(
          (line) => `  ${line}`,
        )),
  ];
}

/** How the copies are, where that is known from, and what tells more. */
export function copiesWords({ from, copies, problem }: CopiesSeen): string {
  if (problem !== undefined && copies.length === 0) return `Copies: nobody knows (not looked at now: ${problem})`;
  const late = copies.filter(isLate).length;
  const how = late === 0 ? `Copies: ${copies.length}` : `Copies: ${late} of ${copies.length} late`;
  const where = from === 'look' ? 'as they are now' : 'as the newest runs saw them; whether one is too old says --live';
  const why = problem === undefined ? '' : ` (not looked at now: ${problem})`;
  return `${how}, ${where}${why}${late === 0 ? '' : '   runbook backups'}`;
}

/** All in their order; where they are too many, those that need somebody come first. */
function shownFirst(copies: readonly CopySeen[]): readonly CopySeen[] {
  if (copies.length <= MOST_COPIES) return copies;
  const rank = (copy: CopySeen): number => (isLate(copy) ? 0 : copy.proof.type === 'proven' ? 2 : 1);
  return [...copies].sort((a, b) => rank(a) - rank(b)).slice(0, MOST_COPIES);
}

const copyColumns = (now: number): Column<CopySeen>[] => [
  { title: 'what', value: ({ of }) => of, shrinksTo: 10 },
  { title: 'place', value: ({ place }) => place, shrinksTo: 8 },
  {
    title: 'newest copy',
    value: (copy) => newestWords(copy, now),
    paint: (copy, text, paint) => inTone(copyTone(copy), text, paint),
  },
  {
    title: 'last proven restore',
    value: ({ proof }) => proofWords(proof, now),
    paint: ({ proof }, text, paint) => inTone(proofTone(proof), text, paint),
  },
];

/** `4 h`, `3 days, failed`, `none`. Pure. */
export function newestWords({ newestAt, outcome, problem }: CopySeen, now: number): string {
  const word = outcome ?? (problem === undefined ? 'fresh' : 'failed');
  if (newestAt === undefined) return word === 'fresh' || word === 'never' ? 'none' : word;
  return `${age(now - Date.parse(newestAt))}${word === 'fresh' ? '' : `, ${word}`}`;
}

/** `2 days ago`, `never proven`. Pure. */
export function proofWords(proof: CopySeen['proof'], now: number): string {
  switch (proof.type) {
    case 'never':
      return 'never proven';
    case 'unseen':
      return 'no proof known';
    case 'unknown':
      return '?';
    case 'failed':
      return `failed ${age(now - Date.parse(proof.at))} ago`;
    case 'proven':
      return `${age(now - Date.parse(proof.at))} ago${proof.isOld === true ? ' !' : ''}`;
  }
}

function driftLines(drift: DriftSeen, options: RenderOptions, paint: Paint): string[] {
  return heading(driftWords(drift, options.now), options, (text) => paint(drift.rows === 0 ? 'bold' : 'yellow', text));
}

export const driftWords = ({ summary, at, rows }: DriftSeen, now: number): string =>
  `Drift, ${age(now - Date.parse(at))} ago: ${summary}${rows === 0 ? '' : '   runbook drift'}`;

function nextLines(next: readonly NextTime[], options: RenderOptions, paint: Paint): string[] {
  const shown = next.slice(0, MOST_TIMES);
  const more = next.length - shown.length;
  return [
    ...heading('Next', options, (text) => paint('bold', text)),
    ...renderTable(nextColumns(options.now), shown, { width: Math.max(1, options.width - 2), paint }).map(
      (line) => `  ${line}`,
    ),
    ...(more === 0 ? [] : wrap(`${more} more: runbook schedules list`, options.width - 2).map((line) => `  ${line}`)),
  ];
}

const nextColumns = (now: number): Column<NextTime>[] => [
  { title: 'schedule', value: ({ name }) => name, shrinksTo: 8 },
  {
    title: 'when',
    value: (next) => whenWords(next, now),
    paint: ({ paused }, text, paint) => (paused ? paint('yellow', text) : text),
  },
  { title: 'what', value: ({ runs }) => runs, shrinksTo: 10 },
  {
    title: 'at',
    value: ({ at, timeZone }) => (at === undefined ? '' : inZone(Date.parse(at), timeZone)),
    dispensable: true,
  },
];

/** `in 3 h`, `paused`. Pure. */
export function whenWords({ paused, at }: NextTime, now: number): string {
  if (paused) return 'paused';
  return at === undefined ? 'not due' : `in ${age(Math.max(0, Date.parse(at) - now))}`;
}
