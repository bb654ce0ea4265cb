import type { FleetStatus } from '../fleet-status.ts';
import { clean } from '../render/clean.ts';
import { age, bytes, count, took } from '../render/units.ts';
import { escapeHtml } from '../report/escape-html.ts';
import { cell, numbers, section, table } from './html.ts';
import {
  agesByDay,
  DAYS,
  durations,
  transfersByDay,
  type AgeRow,
  type DurationRow,
  type FleetHistory,
  type TransferDay,
} from './history.ts';
import { ageCalendar, durationDots, LEVEL_WORDS, transferBars } from './pictures.ts';

const e = (text: string): string => escapeHtml(clean(text));

/** The pictures, each with the same as a table, and how far back they reach. Pure. */
export function historySections({ copies }: FleetStatus, history: FleetHistory): string {
  const { now, told, runs } = history;
  const ages = agesByDay(told, copies?.copies ?? [], now).filter((row) => row.ages.some((each) => each !== undefined));
  const transfers = transfersByDay(told, now);
  const rows = durations(runs, now);
  return [
    ...(ages.length === 0 ? [] : [agesSection(ages, now)]),
    ...(transfers.every(({ copied, failed }) => copied + failed === 0) ? [] : [transferSection(transfers, now)]),
    ...(rows.length === 0 ? [] : [durationSection(rows, now)]),
    `<p>${e(reach(history))}</p>`,
  ].join('\n');
}

const drawn = (picture: string): string => `<div class="wide">${picture}</div>`;

function agesSection(rows: readonly AgeRow[], now: number): string {
  const cells = rows.map(({ of, place, ages }) => {
    const known = ages.filter((each) => each !== undefined);
    return [
      cell(e(of)),
      cell(e(place)),
      cell(age(ages.at(-1) ?? 0), 'number'),
      cell(age(Math.max(...known)), 'number'),
      cell(String(known.length), 'number'),
    ];
  });
  return section(
    `Age of the copies, ${DAYS} days`,
    `${drawn(ageCalendar(rows, now))}<p><small>Each day’s mark: ${e(LEVEL_WORDS)}.</small></p>${numbers(
      table('Age of the copies', ['what', 'place', 'age today', 'oldest at the end of a day', 'days known'], cells),
    )}`,
  );
}

function transferSection(days: readonly TransferDay[], now: number): string {
  const cells = days
    .filter(({ copied, failed }) => copied + failed > 0)
    .reverse()
    .map(({ day, bytes: moved, copied, failed }) => [
      cell(day),
      cell(bytes(moved), 'number'),
      cell(String(copied), 'number'),
      cell(String(failed), failed === 0 ? 'number' : 'number bad'),
    ]);
  return section(
    'What backups moved',
    `${drawn(transferBars(days, now))}<p><small>× marks a day on which a copy failed.</small></p>${numbers(
      table('What backups moved each day', ['day', 'moved', 'copied', 'failed'], cells),
    )}`,
  );
}

function durationSection(rows: readonly DurationRow[], now: number): string {
  const cells = rows.map(({ runbook, runs, good, medianMs, longestMs }) => [
    cell(e(runbook)),
    cell(String(runs.length), 'number'),
    cell(String(runs.length - good), good === runs.length ? 'number' : 'number bad'),
    cell(took(medianMs), 'number'),
    cell(took(longestMs), 'number'),
  ]);
  return section(
    'How long runs took',
    `${drawn(durationDots(rows, now))}<p><small>A dot is a run that did what was asked for, × one that did not. Each row has a scale of its own.</small></p>${numbers(
      table('How long runs took', ['runbook', 'runs', 'not as wished', 'median', 'longest'], cells),
    )}`,
  );
}

/** Temporal forgets closed runs after the namespace's retention. */
function reach({ runs, isCutOff, unread }: FleetHistory): string {
  const oldest = runs.at(-1)?.closedAt?.slice(0, 10);
  return [
    oldest === undefined
      ? `Temporal has no run that ended in the last ${DAYS} days.`
      : `From ${count(runs.length, 'run')} that Temporal still has, back to ${oldest}.`,
    ...(isCutOff ? ['There are more, which were not looked at.'] : []),
    ...(unread === 0 ? [] : [`${count(unread, 'older backup')} and drills were not read.`]),
  ].join(' ');
}
