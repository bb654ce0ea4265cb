import { backup, BACKUP_MUTATIONS, resticOf } from './backups.ts';
import { CLUSTER_MUTATIONS } from './cluster-mutations.ts';
import { IDENTITY_MUTATIONS } from './identity.ts';
import { INFRA_MUTATIONS } from './infra.ts';
import { SCHEDULE_MUTATIONS } from './schedules.ts';
import type { Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import { httpProbe } from './fleet.ts';
import type { Entry, Item } from './model.ts';
import { mapOf, RawText, YamlList, YamlMap } from './model.ts';
import type { Random } from './random.ts';

const nodeIn = (root: YamlMap, section: 'members' | 'guests', random: Random): { entry: Entry; map: YamlMap } => {
  const entry = random.pick(root.map(section).entries);
  if (!(entry.value instanceof YamlMap)) throw new TypeError('A node is a mapping');
  return { entry, map: entry.value };
};
const member = (root: YamlMap, random: Random) => nodeIn(root, 'members', random);
const guest = (root: YamlMap, random: Random) => nodeIn(root, 'guests', random);

const listWith = (item: YamlMap | string): { list: YamlList; item: Item } => {
  const list = new YamlList([]);
  return { list, item: list.add(item) };
};

/** Adds a probe to a random node of the section and returns it. */
const probe = (root: YamlMap, random: Random, section: 'members' | 'guests', map: YamlMap): Item => {
  const { list, item } = listWith(map);
  nodeIn(root, section, random).map.set('probes', list);
  return item;
};

const upgrade = (root: YamlMap): YamlMap => root.map('policies').map('upgrade');

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'an octet over 255': (root, random) =>
    value(
      member(root, random).map.set('address', '10.0.0.256'),
      /^Expected an address like 10.0.0.11, got "10.0.0.256"$/,
    ),
  'an address of three octets': (root, random) =>
    value(member(root, random).map.set('address', '10.0.0'), /^Expected an address .*, got "10.0.0"$/),
  'a list for an address': (root, random) =>
    value(member(root, random).map.set('address', new YamlList(['10.9.9.9'])), /^Expected an address .*, got a list$/),
  'an address without a value': (root, random) => {
    const entry = member(root, random).map.set('address', new RawText(''));
    return key(entry, /^Expected an address .*, got nothing$/);
  },
  'a mistyped required key': (root, random) => {
    const entry = member(root, random).map.entry('address');
    entry.key = 'adress';
    return key(entry, /^Expected a known key, got "adress"$/);
  },
  'an unknown key of a guest': (root, random) => key(guest(root, random).map.add('vcpus', 4), /known key, got "vcpus"/),
  'an unknown key at the top': (root) => key(root.add('memebrs', 1), /known key, got "memebrs"/),
  'a key that is a prototype’s': (root, random) =>
    key(member(root, random).map.add('__proto__', 1), /^Expected a name as key, got "__proto__"$/),
  'a key twice': (root, random) => {
    const { map } = member(root, random);
    return key(map.add('address', map.entry('address').value), /^Expected each key once, got "address" again$/);
  },
  'no address of a member': (root, random) => {
    const { entry, map } = member(root, random);
    map.remove('address');
    map.set('probes', new YamlList([]));
    return key(entry, /^Expected address \(an address .*\) in .*, got nothing$/);
  },
  'no member of a guest': (root, random) => {
    const { entry, map } = guest(root, random);
    map.remove('member');
    map.set('secrets', new YamlList([]));
    return key(entry, /^Expected member \(a name .*\) in .*, got nothing$/);
  },
  'no name of the fleet': (root) => {
    root.remove('name');
    return { at: 'whole file', part: 'key', message: /^Expected name \(a name .*\), got nothing$/ };
  },
  'another version': (root) => value(root.set('version', 2), /^Expected the version 1, got 2$/),
  'text for the version': (root) => value(root.set('version', '1'), /^Expected the version 1, got "1"$/),
  'a number as a name': (root) => value(root.set('name', 42), /^Expected a name .*, got 42$/),
  'a reserved name': (root, random) =>
    key(root.map('guests').add('all', mapOf({ member: member(root, random).entry.key })), /^Expected a name .*"all"$/),
  'a name like an option': (root, random) =>
    key(root.map('guests').add('-rf', mapOf({ member: member(root, random).entry.key })), /^Expected a name .*"-rf"$/),
  'a guest named as a member': (root, random) => {
    const name = member(root, random).entry.key;
    return key(root.map('guests').add(name, mapOf({ member: name })), /^Expected a name that no member has/);
  },
  'an unknown member': (root, random) => {
    const { map } = guest(root, random);
    const name = `${member(root, random).entry.key}x`;
    return value(map.set('member', name), new RegExp(`^Expected the name of a member, got "${name}"$`));
  },
  'a kind of guest that there is not': (root, random) =>
    value(guest(root, random).map.set('type', 'vm'), /^Expected one of virtual-machine, container, got "vm"$/),
  'an unknown guest to depend on': (root, random) => {
    const { list, item } = listWith('no-such-guest');
    guest(root, random).map.set('dependsOn', list);
    return value(item, /^Expected the name of a guest, got "no-such-guest"$/);
  },
  'a guest that depends on itself': (root, random) => {
    const { entry, map } = guest(root, random);
    const { list, item } = listWith(entry.key);
    map.set('dependsOn', list);
    return value(item, new RegExp(`^Expected dependencies without a circle, got ${entry.key} → ${entry.key}$`));
  },
  'two guests that depend on each other': (root) => {
    const [first, second] = root.map('guests').entries;
    if (!(first?.value instanceof YamlMap) || !(second?.value instanceof YamlMap)) throw new TypeError('Two guests');
    first.value.set('dependsOn', new YamlList([second.key]));
    const { list, item } = listWith(first.key);
    second.value.set('dependsOn', list);
    return value(item, /^Expected dependencies without a circle/);
  },
  'the address of another': (root, random) => {
    const [first] = root.map('members').entries;
    if (!(first?.value instanceof YamlMap)) throw new TypeError('A member');
    first.value.set('address', '10.1.1.1');
    first.value.remove('ssh');
    const { map } = guest(root, random);
    map.remove('ssh');
    return value(map.set('address', '10.1.1.1'), /^Expected an address of its own, got "10.1.1.1", which/);
  },
  'the flake’s node of another': (root, random) => {
    const taken = member(root, random).entry.key;
    const { map } = guest(root, random);
    map.set('address', '10.2.2.2');
    const deploy = mapOf({ node: taken });
    map.set('deploy', deploy);
    return value(deploy.entry('node'), /^Expected a flake’s node of its own/);
  },
  'a deployed guest without an address': (root, random) => {
    const { entry, map } = guest(root, random);
    map.remove('address');
    map.set('deploy', mapOf({ node: 'somewhere' }));
    return key(entry, /^Expected address in .*, since it has deploy, got nothing$/);
  },
  'no members': (root) => {
    const entry = root.set('members', new YamlList(['nuc-1']));
    for (const section of ['guests', 'cluster', 'backups', 'schedules', 'orchestrator']) root.remove(section);
    return value(entry, /^Expected a mapping from names, got a list$/);
  },
  'members that are empty': (root) => {
    const entry = root.set('members', new YamlMap());
    for (const section of ['guests', 'cluster', 'backups', 'schedules', 'orchestrator']) root.remove(section);
    return value(entry, /^Expected at least one member, got an empty mapping$/);
  },
  'a port that there is not': (root, random) => {
    const ssh = mapOf({ port: 65536 });
    member(root, random).map.set('ssh', ssh);
    return value(ssh.entry('port'), /^Expected a whole number from 1 to 65535, got 65536$/);
  },
  'a host key with a name before it': (root, random) => {
    const ssh = mapOf({ hostKey: 'nuc-1 ssh-ed25519 AAAA' });
    member(root, random).map.set('ssh', ssh);
    return value(ssh.entry('hostKey'), /^Expected a public host key/);
  },
  'a duration in words': (root) =>
    value(upgrade(root).set('soak', '5 minutes'), /^Expected a duration like 30s, 5m or 7d, got "5 minutes"$/),
  'a duration without a unit': (root) =>
    value(upgrade(root).set('snapshotExpiry', 7), /^Expected a duration like 30s, 5m or 7d, got 7$/),
  'milliseconds for deploy-rs': (root) =>
    value(upgrade(root).set('confirmTimeout', '1500ms'), /^Expected a duration of whole seconds/),
  'per cent with its sign': (root) =>
    value(upgrade(root).set('minFreeSpace', '10%'), /^Expected a whole number from 0 to 99, got "10%"$/),
  'a policy that there is not': (root) =>
    value(upgrade(root).set('reboot', 'automatc'), /^Expected one of automatic, ask, never, got "automatc"$/),
  'a probe that there is not': (root, random) => {
    const map = mapOf({ type: 'htpp', url: 'https://a.lan/' });
    probe(root, random, 'guests', map);
    return value(map.entry('type'), /^Expected one of http, tcp, systemd, command, incus, got "htpp"$/);
  },
  'a probe without its URL': (root, random) => {
    const map = httpProbe(random);
    map.remove('url');
    return value(probe(root, random, 'guests', map), /^Expected url \(a URL .*\) in probes, got nothing$/);
  },
  'a URL with a password': (root, random) => {
    const map = httpProbe(random);
    const entry = map.set('url', 'https://me:secret@a.lan/');
    probe(root, random, 'members', map);
    return value(entry, /^Expected a URL/);
  },
  'a member’s probe made from a guest': (root, random) => {
    const map = httpProbe(random);
    const entry = map.set('from', 'guest');
    probe(root, random, 'members', map);
    return value(entry, /^Expected worker or member for a member’s probe, got "guest"$/);
  },
  'a member’s probe of an instance': (root, random) => {
    const map = mapOf({ type: 'incus' });
    probe(root, random, 'members', map);
    return value(map.entry('type'), /^Expected a probe of the member itself, got "incus"$/);
  },
  'a number in a command': (root, random) => {
    const argv = new YamlList(['sleep']);
    const item = argv.add(5);
    probe(root, random, 'guests', mapOf({ type: 'command', argv }));
    return value(item, /^Expected text, got 5$/);
  },
  'no units to look at': (root, random) => {
    const map = mapOf({ type: 'systemd', units: new YamlList([]) });
    probe(root, random, 'members', map);
    return value(map.entry('units'), /^Expected at least one unit, got an empty list$/);
  },
  'a unit without its suffix': (root, random) => {
    const { list, item } = listWith('caddy');
    probe(root, random, 'guests', mapOf({ type: 'systemd', units: list }));
    return value(item, /^Expected a systemd unit with its suffix/);
  },
  'a secret outside of the monorepo': (root, random) => {
    const { list, item } = listWith(random.pick(['../keys.yaml', 'secrets/../../x', '/etc/shadow', '~/x']));
    guest(root, random).map.set('secrets', list);
    return value(item, /^Expected a path inside the monorepo/);
  },
  'a compose file by a relative path': (root, random) => {
    const containers = mapOf({ type: 'compose', engine: 'podman', file: 'compose.yaml' });
    guest(root, random).map.set('containers', containers);
    return value(containers.entry('file'), /^Expected an absolute path, got "compose.yaml"$/);
  },
  'a container twice': (root, random) => {
    const [first, again] = ['a.service', 'b.service'].map((unit) => mapOf({ unit, container: 'caddy' }));
    if (!first || !again) throw new TypeError('Two units');
    const units = new YamlList([first, again]);
    guest(root, random).map.set('containers', mapOf({ type: 'units', engine: 'podman', units }));
    return value(again.entry('container'), /^Expected each container once, got "caddy" again$/);
  },
  'a volume twice': (root, random) => {
    const made = backup(root, random, resticOf('/srv/backup'));
    const { value: guests } = root.entry('guests');
    const name = made.entry('guest').value;
    const owner = guests instanceof YamlMap && typeof name === 'string' ? guests.map(name) : new YamlMap();
    const volumes = new YamlList([mapOf({ pool: 'zpool', name: 'vol' })]);
    const again = volumes.add(mapOf({ pool: 'zpool', name: 'vol' }));
    owner.set('volumes', volumes);
    return value(again, /^Expected each volume once, got "zpool\/vol" again$/);
  },
  'an unknown orchestrator': (root) => {
    const map = mapOf({ guest: 'nobody' });
    root.set('orchestrator', map);
    return value(map.entry('guest'), /^Expected the name of a guest, got "nobody"$/);
  },
  'two orchestrators': (root, random) => {
    const map = mapOf({ guest: guest(root, random).entry.key, member: member(root, random).entry.key });
    root.set('orchestrator', map);
    return key(map.entry('member'), /^Expected either guest or member, got both$/);
  },
  'an alias without its anchor': (root, random) =>
    value(member(root, random).map.set('address', new RawText('*nowhere')), /^Expected an anchor .*, got "\*nowhere"$/),
  'a second colon': (root, random) => {
    const entry = member(root, random).map.set('address', new RawText('a: b: c'));
    return { at: entry, part: 'value', message: /one key on this line|valid YAML/ };
  },
  'a control character': (root, random) => {
    const entry = member(root, random).map.set('address', new RawText('\u001b[2J'));
    return value(entry, /^Expected text, got the control character U\+001b$/);
  },
  ...BACKUP_MUTATIONS,
  ...CLUSTER_MUTATIONS,
  ...IDENTITY_MUTATIONS,
  ...INFRA_MUTATIONS,
  ...SCHEDULE_MUTATIONS,
};
