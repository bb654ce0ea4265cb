import type { Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import { identityOf } from './identity.ts';
import type { YamlMap } from './model.ts';
import { mapOf, YamlList } from './model.ts';
import type { Random } from './random.ts';

const ZONES = ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'];
const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

const scheduleOf = (members: readonly string[], random: Random): YamlMap =>
  mapOf({
    runbook: 'identity-backup',
    ...(random.chance(0.3) ? { node: random.pick(members) } : {}),
    at: random.pick(['00:00', '04:15', '23:59', '19:05']),
    timeZone: random.pick(ZONES),
    ...(random.chance(0.5)
      ? { days: new YamlList([random.pick(DAYS), ...DAYS.filter(() => random.chance(0.3))]) }
      : {}),
    ...(random.chance(0.5) ? { jitter: random.pick(['0s', '10m']), catchUp: random.pick(['90m', '2d']) } : {}),
    ...(random.chance(0.3) ? { overlap: 'skip' } : {}),
    ...(random.chance(0.3) ? { paused: random.chance(0.5) } : {}),
  });

/** What runs by itself; identity-backup needs its section. */
export const addSchedules = (root: YamlMap, members: readonly string[], random: Random): YamlMap => {
  if (!root.keys.includes('identity')) root.set('identity', identityOf(random));
  const schedule = scheduleOf(members, random);
  root.set('schedules', mapOf({ 'nightly-1': schedule }));
  return schedule;
};

const schedule = (root: YamlMap, random: Random): YamlMap => addSchedules(root, root.map('members').keys, random);

export const SCHEDULE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a time of day without its zero': (root, random) =>
    value(schedule(root, random).set('at', '4:15'), /^Expected a time of day like 04:15, got "4:15"$/),
  'an hour too many': (root, random) =>
    value(schedule(root, random).set('at', '24:00'), /^Expected a time of day like 04:15, got "24:00"$/),
  'a mistyped time zone': (root, random) => ({
    ...value(
      schedule(root, random).set('timeZone', 'Europe/Berln'),
      /^Expected a time zone like Europe\/Berlin or UTC, got "Europe\/Berln"$/,
    ),
    help: /^Did you mean Europe\/Berlin\?$/,
  }),
  'a schedule without its time zone': (root, random) => {
    schedule(root, random).remove('timeZone');
    return key(
      root.map('schedules').entry('nightly-1'),
      /^Expected timeZone \(a time zone .*\) in nightly-1, got nothing$/,
    );
  },
  'a schedule of another runbook': (root, random) =>
    value(
      schedule(root, random).set('runbook', 'member-remove'),
      /^Expected one of identity-backup, nightly-backup, restore-drill, drift, got "member-remove"$/,
    ),
  'a schedule of a node that is no member': (root, random) =>
    value(schedule(root, random).set('node', 'nobody'), /^Expected the name of a member, got "nobody"$/),
  'a schedule that lacks its section': (root, random) => {
    const at = schedule(root, random).entry('runbook');
    root.remove('identity');
    return key(at, /^Expected a section identity, which identity-backup needs, got nothing$/);
  },
  'a node for what copies all': (root, random) => {
    const map = schedule(root, random);
    map.set('runbook', 'nightly-backup');
    map.set('node', random.pick(root.map('members').keys));
    return key(map.entry('node'), /^Expected no node for nightly-backup, got one$/);
  },
  'a day that is none': (root, random) => {
    const days = new YamlList(['monday']);
    const item = days.add('tuesdy');
    schedule(root, random).set('days', days);
    return { ...value(item, /^Expected one of monday, .*, got "tuesdy"$/), help: /^Did you mean tuesday\?$/ };
  },
  'no day at all': (root, random) =>
    value(schedule(root, random).set('days', new YamlList([])), /^Expected at least one day, got an empty list$/),
  'an overlap that is not offered': (root, random) =>
    value(schedule(root, random).set('overlap', 'allow'), /^Expected skip, got "allow"$/),
};
