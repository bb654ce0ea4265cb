import type { Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import { mapOf, YamlList, YamlMap } from './model.ts';
import type { Random } from './random.ts';

const replicas = (member: string, random: Random): YamlMap =>
  mapOf({
    ...{ type: 'zfs', member, dataset: 'tank/replicas' },
    ...(random.chance(0.3) ? { path: mapOf({ type: 'direct', identityFile: '/etc/runbook/key', port: 2222 }) } : {}),
    ...(random.chance(0.3) ? { bandwidth: random.pick(['500K', '20M', '1G']) } : {}),
    ...(random.chance(0.3) ? { keep: mapOf({ last: 3, daily: 0, monthly: 24 }) } : {}),
  });
const restic = (random: Random): YamlMap =>
  mapOf({
    ...{ type: 'restic', repository: 'rest:https://b.lan/r', passwordFile: '/run/secrets/restic' },
    ...(random.chance(0.5) ? { from: 'member' } : { paths: new YamlList(['/srv/data', '/etc/a b']) }),
    ...(random.chance(0.5) ? { keep: mapOf({ daily: 7 }), checkSubsets: 10 } : {}),
  });

/** The copies of every volume that the guests have, each volume `<guest>-data`; some on a host outside of the cluster. */
export function addBackups(root: YamlMap, members: readonly string[], random: Random): void {
  const backups = new YamlMap();
  const outside = random.chance(0.3) ? ['backup-host'] : [];
  for (const name of outside) root.set('backupHosts', mapOf({ [name]: mapOf({ address: '192.0.2.7' }) }));
  for (const { key: name, value: guest } of root.map('guests').entries) {
    if (!(guest instanceof YamlMap) || !guest.keys.includes('volumes')) continue;
    const elsewhere = [...members.filter((member) => member !== guest.entry('member').value), ...outside];
    const zfs = replicas(random.pick(elsewhere), random);
    const to = random.pick([[zfs], [restic(random)], [zfs, restic(random)]]);
    backups.add(
      name,
      mapOf({
        guest: name,
        ...random.pick([{}, { volumes: new YamlList([`${name}-data`]) }, { volumes: new YamlList(['*-data']) }]),
        ...(random.chance(0.3) ? { hooks: mapOf({ before: new YamlList(['sync']), timeout: '5s' }) } : {}),
        ...(random.chance(0.3) ? { keepSnapshots: '2d' } : {}),
        to: new YamlList(to),
      }),
    );
  }
  root.set('backups', backups);
}

/** A backup of a volume that is sure to be there. */
export function backup(root: YamlMap, random: Random, to: YamlMap): YamlMap {
  const entry = random.pick(root.map('guests').entries);
  if (!(entry.value instanceof YamlMap)) throw new TypeError('A guest is a mapping');
  entry.value.set('volumes', new YamlList([mapOf({ pool: 'zpool', name: 'vol' })]));
  root.map('backups').remove(entry.key);
  const made = mapOf({ guest: entry.key, volumes: new YamlList(['vol']), to: new YamlList([to]) });
  root.map('backups').add('made-up', made);
  return made;
}

export const resticOf = (repository: string): YamlMap =>
  mapOf({ type: 'restic', repository, passwordFile: '/run/secrets/restic', paths: new YamlList(['/srv/data']) });

/** A replica that is well placed. */
const toZfs = (root: YamlMap, random: Random, more: Parameters<typeof mapOf>[0] = {}): YamlMap => {
  root.set('backupHosts', mapOf({ 'backup-host': mapOf({ address: '192.0.2.7' }) }));
  const made = mapOf({ type: 'zfs', member: 'backup-host', dataset: 'tank/x', ...more });
  backup(root, random, made);
  return made;
};

export const BACKUP_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a backup of an unknown guest': (root) => {
    const map = mapOf({ guest: 'nobody', volumes: new YamlList(['x']), to: new YamlList([resticOf('/srv/backup')]) });
    root.map('backups').add('made-up', map);
    return value(map.entry('guest'), /^Expected the name of a guest, got "nobody"$/);
  },
  'a backup of an unknown volume': (root, random) => {
    const made = backup(root, random, resticOf('/srv/backup'));
    const volumes = new YamlList(['vol']);
    const item = volumes.add('vole');
    made.set('volumes', volumes);
    return value(item, /^Expected a volume of .*, got "vole"$/);
  },
  'a pattern that no volume is of': (root, random) => {
    const made = backup(root, random, resticOf('/srv/backup'));
    const volumes = new YamlList(['v?l']);
    const item = volumes.add('v?');
    made.set('volumes', volumes);
    return value(item, /^Expected a volume of .*, got "v\?"$/);
  },
  'a volume’s name like an option': (root, random) => {
    const made = backup(root, random, resticOf('/srv/backup'));
    const volumes = new YamlList(['vol']);
    const item = volumes.add('-r');
    made.set('volumes', volumes);
    return value(item, /^Expected the name of a volume, or a pattern with \* and \?, got "-r"$/);
  },
  'a label that is Incus’s own': (root, random) => {
    const labels = mapOf({ 'volatile.uuid': 'x' });
    backup(root, random, resticOf('/srv/backup')).set('labels', labels);
    return key(labels.entry('volatile.uuid'), /^Expected a key like user.backup, got "volatile.uuid"$/);
  },
  'a replica on an unknown member': (root, random) => {
    const zfs = mapOf({ type: 'zfs', member: 'nas', dataset: 'tank/x' });
    backup(root, random, zfs);
    return value(zfs.entry('member'), /^Expected the name of a member or backup host, got "nas"$/);
  },
  'a backup host by the name of a member': (root, random) => {
    const name = random.pick(root.map('members').keys);
    const hosts = root.keys.includes('backupHosts') ? root.map('backupHosts') : new YamlMap();
    hosts.set(name, mapOf({ address: '192.0.2.7' }));
    root.set('backupHosts', hosts);
    return key(hosts.entry(name), /^Expected a name that no member and no guest has, got /);
  },
  'two volumes for one replica': (root, random) => {
    const zfs = toZfs(root, random);
    const again = mapOf({ type: 'zfs', member: 'backup-host', dataset: 'tank/x' });
    const made = root.map('backups').map('made-up');
    made.set('to', new YamlList([zfs, again]));
    return value(again.entry('dataset'), /^Expected a replica of its own, got that of vol, which .* has there$/);
  },
  'a hook that is a line of shell': (root, random) => {
    const hooks = mapOf({ before: 'sync && true' });
    backup(root, random, resticOf('/srv/backup')).set('hooks', hooks);
    return value(hooks.entry('before'), /^Expected a list/);
  },
  'a hook without a program': (root, random) => {
    const hooks = mapOf({ after: new YamlList([]) });
    backup(root, random, resticOf('/srv/backup')).set('hooks', hooks);
    return value(hooks.entry('after'), /^Expected at least the program, got an empty list$/);
  },
  'snapshots that are kept for minutes': (root, random) =>
    value(
      backup(root, random, resticOf('/srv/backup')).set('keepSnapshots', '30m'),
      /^Expected hours or days like 36h or 7d, got "30m"$/,
    ),
  'a bandwidth in bits': (root, random) =>
    value(
      toZfs(root, random, { bandwidth: '20Mbit' }).entry('bandwidth'),
      /^Expected bytes per second like 500K, 20M or 1G, got "20Mbit"$/,
    ),
  'a way of its own without its key': (root, random) => {
    const zfs = toZfs(root, random, { path: mapOf({ type: 'direct' }) });
    return key(zfs.entry('path'), /^Expected identityFile \(an absolute path\) in path, got nothing$/);
  },
  'nothing kept at all': (root, random) => {
    const keep = mapOf({ last: 0 });
    toZfs(root, random, { keep });
    return value(keep.entry('last'), /^Expected a whole number from 1 to 1000, got 0$/);
  },
  'restic in a guest without paths': (root, random) => {
    const to = resticOf('/srv/backup');
    to.remove('paths');
    const list = new YamlList([]);
    const item = list.add(to);
    backup(root, random, to).set('to', list);
    return value(item, /^Expected paths for restic to read in the guest, got nothing$/);
  },
  'restic on a member with paths': (root, random) => {
    const to = resticOf('/srv/backup');
    to.set('from', 'member');
    backup(root, random, to);
    return value(to.entry('paths'), /^Expected no paths with from: member, got some$/);
  },
  'restic on a member for volumes with a label': (root, random) => {
    const to = resticOf('/srv/backup');
    to.remove('paths');
    to.set('from', 'member');
    backup(root, random, to).set('labels', mapOf({ 'user.backup': 'nightly' }));
    return value(to.entry('from'), /^Expected from: guest, since the volumes are told by labels, got "member"$/);
  },
  'restic that keeps nothing': (root, random) => {
    const to = resticOf('/srv/backup');
    to.set('keep', new YamlMap());
    backup(root, random, to);
    return value(to.entry('keep'), /^Expected at least one rule/);
  },
  'restic looked after by nobody': (root, random) => {
    const by = mapOf({ member: 'nas', repository: '/tank/restic', passwordFile: '/run/secrets/restic' });
    const to = resticOf('/srv/backup');
    to.set('maintenance', by);
    backup(root, random, to);
    return value(by.entry('member'), /^Expected the name of a member or backup host, got "nas"$/);
  },
  'a password in a repository': (root, random) => {
    const to = resticOf('rest:https://me:secret@backup.lan/');
    backup(root, random, to);
    return value(to.entry('repository'), /^Expected a restic repository without a password/);
  },
};
