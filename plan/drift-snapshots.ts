import { inProject, isInScope } from './drift-guests.ts';
import {
  doctorFor,
  isProblem,
  unknownRow,
  type ClusterSeen,
  type DriftGuest,
  type DriftRow,
  type DriftScope,
  type SeenInstance,
  type SeenVolume,
  type SnapshotRule,
} from './drift-seen.ts';

/** Every instance and every custom volume that lacks `snapshots.schedule` or `snapshots.expiry`, or has others than declared. Pure. */
export function snapshotRows(scope: DriftScope, { instances, volumes }: ClusterSeen): DriftRow[] {
  return [
    ...(isProblem(instances) ? [] : instances.flatMap((each) => instanceRows(scope, each))),
    ...(isProblem(volumes)
      ? [unknownRow('volumes', 'cluster', volumes)]
      : volumes.flatMap((each) => volumeRows(scope, each))),
  ];
}

function instanceRows(scope: DriftScope, instance: SeenInstance): DriftRow[] {
  const { name, project, location, status } = instance;
  const guest = scope.guests.find((each) => each.name === name && each.project === project);
  // Of one that is away Incus tells no configuration; that it is away is a row of its own, if it is declared.
  if (status === 'Error') return guest === undefined ? away(scope, instance) : [];
  if (guest === undefined && !isInScope(scope, instance)) return [];
  const set = (keys: string): string => `incus config set ${name}${inProject(project)} ${keys}`;
  return rowOf({ subject: name, where: location, found: instance, rule: guest?.snapshots ?? scope.snapshots, set });
}

const away = (scope: DriftScope, { name, location }: SeenInstance): DriftRow[] =>
  isInScope(scope, { location })
    ? [
        unknownRow(`snapshots of ${name}`, location, {
          message: `Incus on ${location} does not answer`,
          whatToDo: doctorFor(location),
        }),
      ]
    : [];

function volumeRows(scope: DriftScope, volume: SeenVolume): DriftRow[] {
  const { pool, name, project, location } = volume;
  const guest = scope.guests.find((each) => has(each, volume));
  if (guest === undefined && !isInScope(scope, volume)) return [];
  // Names are unique only per member.
  const target = location === 'none' ? '' : ` --target ${location}`;
  const set = (keys: string): string =>
    `incus storage volume set ${pool} ${name}${target}${inProject(project)} ${keys}`;
  const rule = guest?.snapshots ?? scope.snapshots;
  return rowOf({ subject: `volume ${pool}/${name}`, where: location, found: volume, rule, set });
}

/** Volumes are in the project of their guest, or in the default one, which others may share. */
const has = ({ volumes, project, member }: DriftGuest, volume: SeenVolume): boolean =>
  (volume.project === project || volume.project === 'default') &&
  (volume.location === member || volume.location === 'none') &&
  volumes.some(({ pool, name }) => pool === volume.pool && name === volume.name);

interface Judged {
  subject: string;
  where: string;
  found: SnapshotRule;
  rule: SnapshotRule;
  set: (keys: string) => string;
}

const NEVER = '@never';

/** As it is to be typed: the times of a schedule are several words, with stars. */
const shown = (value: string): string => (/^[\w@,:.-]*$/.test(value) ? value : `'${value}'`);

function rowOf({ subject, where, found, rule, set }: Judged): DriftRow[] {
  const keys = [
    ...wrong('schedule', rule.schedule, found.schedule, sameSchedule),
    // Where none are made, none expire.
    ...((rule.schedule ?? found.schedule) === NEVER && rule.expiry === undefined
      ? []
      : wrong('expiry', rule.expiry, found.expiry, sameExpiry)),
  ];
  if (keys.length === 0) return [];
  return [
    {
      ...{ kind: 'snapshots', subject, where },
      declared: keys.map(({ key, declared }) => `${key} ${declared ?? 'set'}`).join(', '),
      found: keys.map(({ key, found: is }) => `${key} ${is ?? 'not set'}`).join(', '),
      whatToDo: set(
        keys.map(({ key, declared }) => `snapshots.${key}=${shown(declared ?? key.toUpperCase())}`).join(' '),
      ),
    },
  ];
}

interface WrongKey {
  key: 'schedule' | 'expiry';
  declared: string | undefined;
  found: string | undefined;
}

function wrong(
  key: WrongKey['key'],
  declared: string | undefined,
  value: string | undefined,
  isSame: (a: string, b: string) => boolean,
): WrongKey[] {
  const found = value === '' ? undefined : value;
  const isRight = found !== undefined && (declared === undefined || isSame(declared, found));
  return isRight ? [] : [{ key, declared, found }];
}

/** Two names of one time. */
const SAME: Readonly<Record<string, string>> = { '@midnight': '@daily', '@annually': '@yearly' };

/** Incus takes a list of names, or one expression of cron. */
export const sameSchedule = (a: string, b: string): boolean => scheduleKey(a) === scheduleKey(b);

function scheduleKey(text: string): string {
  if (!text.includes('@')) return text.trim().split(/\s+/).join(' ');
  const names = text.split(',').map((name) => name.trim());
  return names
    .map((name) => SAME[name] ?? name)
    .toSorted()
    .join(',');
}

/** `1w` is `7d`: minutes, hours, days and weeks, months and years. */
export const sameExpiry = (a: string, b: string): boolean => expiryKey(a) === expiryKey(b);

const UNITS: Readonly<Record<string, { of: 'minutes' | 'days' | 'months'; times: number }>> = {
  M: { of: 'minutes', times: 1 },
  H: { of: 'minutes', times: 60 },
  d: { of: 'days', times: 1 },
  w: { of: 'days', times: 7 },
  m: { of: 'months', times: 1 },
  y: { of: 'months', times: 12 },
};

function expiryKey(text: string): string {
  const sums = { minutes: 0, days: 0, months: 0 };
  for (const part of text.trim().split(/\s+/)) {
    const [, number, letter = ''] = /^(\d+)([MHdwmy])$/.exec(part) ?? [];
    const unit = UNITS[letter];
    if (number === undefined || unit === undefined) return text;
    sums[unit.of] += Number(number) * unit.times;
  }
  return `${sums.minutes}/${sums.days}/${sums.months}`;
}
