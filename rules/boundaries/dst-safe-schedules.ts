import { clockChanges, DAYS, isTimeZone } from '../../fleet/calendar.ts';
import { cronTimes, calendarTimes, type Times } from '../calendar-text.ts';
import { configKeys } from '../config-keys.ts';
import type { Monorepo } from '../monorepo.ts';
import { isOption } from '../nix-options.ts';
import type { NixValue } from '../parse/nix.ts';
import type { Range } from '../place.ts';
import type { Rule } from '../rule.ts';

const YEAR_MS = 366 * 86_400_000;

export const dstSafeSchedules: Rule = {
  id: 'dst-safe-schedules',
  title: 'Nothing is due at an hour that clocks leave out or show twice',
  section: '§6',
  severity: 'error',
  why: 'On the nights on which clocks change, a time between 01:00 and 03:00 may not come, or come twice: a snapshot is missing, or a job runs into itself.',
  whatToDo: 'Take another time of day, as 04:15, or time.timeZone = "UTC".',
  check: (repo) => {
    // A year of days for each time takes a while, and many things are due at the same one.
    const nights = new Map<string, Night | undefined>();
    const first = (at: string, timeZone: string): Night | undefined => {
      const key = `${at} ${timeZone}`;
      if (!nights.has(key)) nights.set(key, nightOf(at, timeZone, repo.now));
      return nights.get(key);
    };
    return dueTimes(repo).flatMap(({ file, at, text, times: { times, timeZone } }) => {
      const zone = timeZone ?? zoneOf(repo, file);
      if (zone === undefined) return [];
      const night = times.map((time) => first(time, zone)).find((each) => each !== undefined);
      if (night === undefined) return [];
      const { time, date, often } = night;
      return [
        {
          file,
          at,
          message: `"${text}": ${time} ${often === 0 ? 'does not exist' : 'comes twice'} in ${zone} on ${date}.`,
        },
      ];
    });
  },
};

/** A date on which a time of day does not come once, and how often it does. */
interface Night {
  time: string;
  date: string;
  often: number;
}

interface Due {
  file: string;
  at: Range;
  text: string;
  times: Times;
}

/** Timers of systemd, and when Incus makes snapshots. Those of runbook.yaml are told where its other mistakes are. */
function dueTimes(repo: Monorepo): Due[] {
  const timers = repo.nix.flatMap(({ path: file, settings }) =>
    settings.flatMap(({ path, value }) => {
      const isTimer = path.at(-1) === 'OnCalendar' || (path.at(-1) === 'startAt' && path.length > 2);
      const values = value.type === 'list' ? value.items : [value];
      return isTimer
        ? values.flatMap((each) => {
            const times = each.type === 'string' && each.whole ? calendarTimes(each.value) : undefined;
            return times === undefined || each.type !== 'string' ? [] : [{ file, at: each, text: each.value, times }];
          })
        : [];
    }),
  );
  const snapshots = configKeys(repo).flatMap(({ file, key, value, at }) => {
    const times = /(?:^|\.)snapshots\.schedule$/.test(key) && value !== undefined ? cronTimes(value) : undefined;
    return times === undefined || value === undefined ? [] : [{ file, at, text: value, times }];
  });
  return [...timers, ...snapshots];
}

/** Of a guest’s file: the guest’s, or what hosts have. UTC, which NixOS takes where nothing is said, changes no clocks. */
function zoneOf(repo: Monorepo, file: string): string | undefined {
  const own = repo.nix.find(({ path }) => path === file)?.area;
  const wanted = own?.type === 'guest' || own?.type === 'service' ? ['guest', 'service'] : ['host'];
  const zones = repo.nix
    .filter(({ area }) => wanted.includes(area.type))
    .flatMap(({ settings }) => settings.filter((setting) => isOption(setting, 'time.timeZone')))
    .flatMap(({ value }) => textsOf(repo, value));
  return zones.find((zone) => isTimeZone(zone));
}

/** What is written there, or has that name in a file of all machines: `fleet.timeZone` is `timeZone` of fleet.nix. */
function textsOf({ nix }: Monorepo, value: NixValue): string[] {
  if (value.type === 'string') return value.whole ? [value.value] : [];
  if (value.type !== 'other' || !/^[\w'-]+(?:\.[\w'-]+)*$/.test(value.text)) return [];
  const [, ...behind] = value.text.split('.');
  const names = [behind.join('.'), `let.${value.text}`];
  return nix
    .filter(({ area }) => area.type === 'other')
    .flatMap(({ settings }) => settings.filter(({ path }) => names.includes(path.join('.'))))
    .flatMap((setting) => (setting.value.type === 'string' && setting.value.whole ? [setting.value.value] : []));
}

/** The first within a year. On which days of the week something is due is not asked: next year it is another day. */
function nightOf(time: string, timeZone: string, now: number): Night | undefined {
  if (!isTimeZone(timeZone)) return undefined;
  const changes = clockChanges({ at: time, days: DAYS, timeZone }, now, now + YEAR_MS);
  const change = changes.find(({ times }) => times !== 1);
  return change === undefined ? undefined : { time, date: change.date, often: change.times };
}
