import { clusterOf, POOL } from './cluster.ts';
import type { Expected, Mutation } from './expected.ts';
import { key, value } from './expected.ts';
import { mapOf, RawText, YamlList, YamlMap } from './model.ts';
import type { Random } from './random.ts';

/** The cluster of the file, which has none of its own in half of them. */
const cluster = (root: YamlMap, random: Random): YamlMap => {
  if (!root.keys.includes('cluster')) root.set('cluster', clusterOf(root.map('members').keys, random));
  return root.map('cluster');
};

/** Adds a pool that nobody names. */
const pool = (root: YamlMap, random: Random, made: YamlMap) => cluster(root, random).map('pools').add('made-up', made);

const device = (root: YamlMap, random: Random, made: YamlMap): void => {
  cluster(root, random)
    .map('profiles')
    .add('made-up', mapOf({ devices: mapOf({ it: made }) }));
};

/** One of the places that have configuration. */
const someConfig = (root: YamlMap, random: Random): YamlMap => {
  const made = cluster(root, random);
  const place = random.pick([
    () => made,
    () => made.map('networks').map('made-up'),
    () => made.map('profiles').map('made-up'),
  ])();
  return place.map('config');
};

const twoPools = (root: YamlMap, random: Random, first: string, second: string): Expected => {
  pool(root, random, mapOf({ type: 'zfs', dataset: first }));
  const made = mapOf({ type: 'zfs', dataset: second });
  cluster(root, random).map('pools').add('another', made);
  return value(
    made.entry('dataset'),
    new RegExp(`^Expected a place of its own for each pool, got "${second}", where pool made-up is`),
  );
};

const groupWith = (root: YamlMap, random: Random, name: string): Expected['at'] => {
  const members = new YamlList(root.map('members').keys);
  const item = members.add(name);
  cluster(root, random).map('groups').add('made-up', mapOf({ members }));
  return item;
};

/** Of what a cluster is formed with. */
export const CLUSTER_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a group with a mistyped member': (root, random) => {
    const meant = random.pick(root.map('members').keys);
    const at = groupWith(root, random, `${meant}x`);
    const help = new RegExp(`^Did you mean ${meant}\\?$`);
    return { ...value(at, new RegExp(`^Expected the name of a member, got "${meant}x"$`)), help };
  },
  'a group with a guest': (root, random) => {
    const [name = ''] = root.map('guests').keys;
    return value(groupWith(root, random, name), new RegExp(`^Expected the name of a member, got "${name}"$`));
  },
  'a group of nobody': (root, random) => {
    const group = mapOf({ members: new YamlList([]) });
    cluster(root, random).map('groups').add('made-up', group);
    return value(group.entry('members'), /^Expected at least one member, got an empty list$/);
  },
  'a disk in a mistyped pool': (root, random) => {
    const made = mapOf({ type: 'disk', path: '/' });
    device(root, random, made);
    const expected = value(made.add('pool', 'zpol'), /^Expected the name of a pool of the cluster, got "zpol"$/);
    return { ...expected, help: /^Did you mean zpool\?$/ };
  },
  'a nic in an unknown network': (root, random) => {
    const made = mapOf({ type: 'nic', network: 'nowhere' });
    device(root, random, made);
    return value(made.entry('network'), /^Expected the name of a network of the cluster, got "nowhere"$/);
  },
  'a volume in a pool that the cluster does not have': (root, random) => {
    cluster(root, random);
    const { value: guest } = random.pick(root.map('guests').entries);
    if (!(guest instanceof YamlMap)) throw new TypeError('A guest is a mapping');
    const volume = mapOf({ pool: 'elsewhere', name: 'made-up' });
    guest.set('volumes', new YamlList([volume]));
    // So that nothing is said of its backup.
    root.remove('backups');
    root.map('policies').map('upgrade').set('backup', 'off');
    return value(volume.entry('pool'), /^Expected the name of a pool of the cluster, got "elsewhere"$/);
  },
  'no pools at all': (root, random) => {
    const made = cluster(root, random);
    made.remove('pools');
    return key(root.entry('cluster'), /^Expected pools \(a mapping from names\) in cluster, got nothing$/);
  },
  'pools that are empty': (root, random) =>
    value(cluster(root, random).set('pools', new YamlMap()), /^Expected at least one pool, got an empty mapping$/),
  'a pool without its kind': (root, random) =>
    key(
      pool(root, random, mapOf({ dataset: 'tank/x' })),
      /^Expected type \(one of zfs, dir\) in made-up, got nothing$/,
    ),
  'a pool of a kind that there is not': (root, random) => {
    const made = mapOf({ type: 'zsf', dataset: 'tank/x' });
    pool(root, random, made);
    return { ...value(made.entry('type'), /^Expected one of zfs, dir, got "zsf"$/), help: /^Did you mean zfs\?$/ };
  },
  'a pool without its dataset': (root, random) =>
    key(pool(root, random, mapOf({ type: 'zfs' })), /^Expected dataset \(a ZFS dataset .*\) in made-up, got nothing$/),
  'a pool without its folder': (root, random) =>
    key(pool(root, random, mapOf({ type: 'dir' })), /^Expected path \(an absolute path\) in made-up, got nothing$/),
  'a pool of both a dataset and a folder': (root, random) => {
    const made = mapOf({ type: 'zfs', dataset: 'tank/x' });
    pool(root, random, made);
    return key(made.add('path', '/srv/x'), /^Expected a known key, got "path"$/);
  },
  'a pool in a folder by a relative path': (root, random) => {
    const made = mapOf({ type: 'dir', path: 'srv/x' });
    pool(root, random, made);
    return value(made.entry('path'), /^Expected an absolute path, got "srv\/x"$/);
  },
  'a pool in a dataset by its mount point': (root, random) => {
    const made = mapOf({ type: 'zfs', dataset: '/tank/x' });
    pool(root, random, made);
    return value(made.entry('dataset'), /^Expected a ZFS dataset like tank\/replicas, got "\/tank\/x"$/);
  },
  'a network with a name of 16 characters': (root, random) =>
    key(
      cluster(root, random).map('networks').add('x-16-characters-', new YamlMap()),
      /^Expected a name of 2 to 15 letters, .*, got "x-16-characters-"$/,
    ),
  'a network of a kind': (root, random) => {
    const network = mapOf({ type: 'bridge' });
    cluster(root, random).map('networks').add('made-up', network);
    return key(network.entry('type'), /^Expected a known key, got "type"$/);
  },
  'a profile with a name like an option': (root, random) =>
    key(
      cluster(root, random).map('profiles').add('--all', new YamlMap()),
      /^Expected a name of letters, .*, got "--all"$/,
    ),
  'a configuration key with a space': (root, random) =>
    key(someConfig(root, random).add('ipv4 address', 'none'), /^Expected a key of Incus .*, got "ipv4 address"$/),
  'a list as a configuration value': (root, random) =>
    value(
      someConfig(root, random).set('dns.nameservers', new YamlList(['10.0.0.1'])),
      /^Expected text, a whole number, true or false, got a list$/,
    ),
  'nothing as a configuration value': (root, random) =>
    value(
      someConfig(root, random).set('ipv4.address', null),
      /^Expected text, a whole number, true or false, got nothing$/,
    ),
  'a mapping as a device’s value': (root, random) => {
    const made = mapOf({ type: 'disk' });
    device(root, random, made);
    return value(
      made.add('source', mapOf({ path: '/' })),
      /^Expected text, a whole number, true or false, got a mapping$/,
    );
  },
  'a device that is a word': (root, random) => {
    const devices = mapOf({ root: POOL });
    cluster(root, random).map('profiles').add('made-up', mapOf({ devices }));
    return value(devices.entry('root'), /^Expected a mapping from names, got "zpool"$/);
  },
  'a number that YAML reads as another one': (root, random) => {
    const written = random.pick(['1.10', '1.0', '0x10', '1e3', '-0.5', '+8', '.5', '9007199254740993', '010', '.inf']);
    const at = someConfig(root, random).set('user.owner', new RawText(written));
    const words = written.replace(/[.+]/g, '\\$&');
    const expected = value(at, new RegExp(`^Expected text, a whole number, true or false, got ${words}$`));
    return { ...expected, help: new RegExp(`^In quotes it stays as it is written: "${words}"\\.$`) };
  },
  'a secret in the configuration': (root, random) => {
    const names = ['loki.auth.password', 'openfga.api.token', 'bgp.peers.x.password', 'acme.provider.environment'];
    const name = random.pick([...names, 'network.ovn.client_key', 'user.api-token', 'environment.DB_PASSWORD']);
    const at = someConfig(root, random).add(name, random.pick(['hunter2', 12, true]));
    return key(at, new RegExp(`^Expected configuration without secrets, got ${name.replaceAll('.', '\\.')}$`));
  },
  'a password in the address of a proxy': (root, random) =>
    key(
      someConfig(root, random).add('core.proxy_http', 'http://ada:hunter2@proxy.lan:3128'),
      /^Expected configuration without secrets, got core\.proxy_http$/,
    ),
  'a secret of a device': (root, random) => {
    const made = mapOf({ type: 'none' });
    device(root, random, made);
    return key(made.add('secret', 'hunter2'), /^Expected configuration without secrets, got secret$/);
  },
  'two pools in one dataset': (root, random) => twoPools(root, random, 'made/up', 'made/up'),
  'a pool in the dataset of another': (root, random) => twoPools(root, random, 'made/up', 'made/up/more'),
  'a pool around the dataset of another': (root, random) => twoPools(root, random, 'made/up/more', 'made/up'),
  'two pools in one folder': (root, random) => {
    pool(root, random, mapOf({ type: 'dir', path: '/srv/made-up' }));
    const second = mapOf({ type: 'dir', path: '/srv/made-up/' });
    cluster(root, random).map('pools').add('another', second);
    return value(
      second.entry('path'),
      /^Expected a place of its own for each pool, got "\/srv\/made-up\/", where pool made-up is/,
    );
  },
  'copies in the dataset of a pool': (root, random) => {
    const dataset = random.pick(['made/up', 'made/up/custom/copies']);
    const target = mapOf({ type: 'zfs', member: root.map('members').keys[0] ?? '', dataset });
    pool(root, random, mapOf({ type: 'zfs', dataset: 'made/up' }));
    const { value: guest, key: name } = random.pick(root.map('guests').entries);
    if (!(guest instanceof YamlMap)) throw new TypeError('A guest is a mapping');
    guest.set('volumes', new YamlList([mapOf({ pool: POOL, name: 'vol' })]));
    guest.set('member', root.map('members').keys[1] ?? '');
    root.remove('backups');
    const copies = mapOf({ guest: name, volumes: new YamlList(['vol']), to: new YamlList([target]) });
    root.map('backups').add('made-up', copies);
    root.map('policies').map('upgrade').set('backup', 'off');
    return value(target.entry('dataset'), /^Expected a dataset outside of Incus’s pools, got "made\/up/);
  },
  'a time to wait without a unit': (root, random) =>
    value(cluster(root, random).set('waitForMembers', '6'), /^Expected a duration like 30s, 5m or 7d, got "6"$/),
  'port 0 of the cluster': (root, random) =>
    value(cluster(root, random).set('port', 0), /^Expected a whole number from 1 to 65535, got 0$/),
  'an unknown key of the cluster': (root, random) => {
    const at = cluster(root, random).add('netwroks', new YamlMap());
    return { ...key(at, /^Expected a known key, got "netwroks"$/), help: /^Did you mean networks\?$/ };
  },
  'an image like an option': (root, random) =>
    value(cluster(root, random).set('trialImage', '-x'), /^Expected an image as incus launch takes it, .*, got "-x"$/),
};
