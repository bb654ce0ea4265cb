import { clockChanges, DAYS, describeClockChange, isTimeZone, type Calendar } from './calendar.ts';
import { entries, field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { atKey, wrong } from './mistake.ts';
import type { Nodes } from './nodes.ts';
import { unknownNode } from './nodes.ts';
import { suggest } from './suggest.ts';
import { quote } from './visible.ts';

const YEAR_MS = 366 * 86_400_000;

/** `now`: what clocks will do within a year is warned of; without it nothing is. */
export const checkSchedules = (file: unknown, { members }: Nodes, now: number | undefined): Mistake[] =>
  entries(field(file, 'schedules')).flatMap(([name, schedule]) => {
    const path = ['schedules', name];
    return [
      ...checkZone(field(schedule, 'timeZone'), [...path, 'timeZone']),
      ...unknownNode(field(schedule, 'node'), [...path, 'node'], members, 'member'),
      ...checkNeeds(file, schedule, path),
      ...(now === undefined ? [] : warnOfClockChanges(schedule, path, now)),
    ];
  });

const checkZone = (value: unknown, path: Path): Mistake[] => {
  const zone = text(value);
  if (zone === undefined || isTimeZone(zone)) return [];
  const meant = suggest(zone, Intl.supportedValuesOf('timeZone'));
  const help = meant === undefined ? undefined : `Did you mean ${meant}?`;
  return [wrong(path, 'a time zone like Europe/Berlin or UTC', quote(zone), help)];
};

const NEEDS = {
  'identity-backup': { section: 'identity', help: 'It says who can decrypt the copies.' },
  'nightly-backup': { section: 'backups', help: 'It says which volumes are copied where.' },
  'restore-drill': { section: 'backups', help: 'It says which volumes are copied where.' },
};

const checkNeeds = (file: unknown, schedule: unknown, path: Path): Mistake[] => {
  const runbook = text(field(schedule, 'runbook'));
  const needed = Object.entries(NEEDS).find(([name]) => name === runbook)?.[1];
  if (runbook === undefined || needed === undefined) return [];
  const isOfAll = runbook !== 'identity-backup' && field(schedule, 'node') !== undefined;
  return [
    ...(isOfAll
      ? [atKey(wrong([...path, 'node'], `no node for ${runbook}`, 'one', 'It works on all that backups names.'))]
      : []),
    ...(field(file, needed.section) === undefined
      ? [
          atKey(
            wrong([...path, 'runbook'], `a section ${needed.section}, which ${runbook} needs`, 'nothing', needed.help),
          ),
        ]
      : []),
  ];
};

const warnOfClockChanges = (schedule: unknown, path: Path, now: number): Mistake[] => {
  const calendar = calendarOf(schedule);
  if (calendar === undefined) return [];
  return clockChanges(calendar, now, now + YEAR_MS).map((change) => ({
    path: [...path, 'at'],
    part: 'value' as const,
    severity: 'warning' as const,
    message: describeClockChange(calendar, change),
    help: 'Another time of day, or timeZone: UTC, is not touched by it.',
  }));
};

const calendarOf = (schedule: unknown): Calendar | undefined => {
  const [at, timeZone] = [text(field(schedule, 'at')), text(field(schedule, 'timeZone'))];
  if (at === undefined || !/^\d\d:\d\d$/.test(at) || timeZone === undefined || !isTimeZone(timeZone)) return undefined;
  const days = field(schedule, 'days');
  return { at, timeZone, days: days === undefined ? DAYS : items(days).map(String) };
};
