import { address, hostNamed } from '../nodes.ts';
import { machinesOf } from '../machines.ts';
import { MEMBERS, query, send } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const CONNECT = 'exec 3<>"/dev/tcp/$1/$2"';
const NOWHERE = '10.89.0.99';
const POOL = 'main';
const NETWORK = { name: 'labnet', config: { 'ipv4.address': '10.90.0.1/24', 'ipv6.address': 'none' } };

const inNetwork = (host: string): string => address(0, hostNamed(host));
const listensAt = (host: string): string => `${inNetwork(host)}:8443`;
const ownAddresses = (host: string): object => ({
  'core.https_address': listensAt(host),
  'cluster.https_address': listensAt(host),
});
const token = (name: string): string[] => ['incus', 'cluster', 'add', '--quiet', name];
const launch = (image: string, name: string, member: string): string[] => [
  ...['incus', 'launch', '--quiet', image, name, '--target', member, '--storage', POOL],
];
const RUN = ['--config', 'user.runbook.run=cluster-bootstrap/homelab'];
const remove = (name: string): string[] => ['incus', 'delete', '--quiet', '--force', name];
const removeMember = (name: string): string[] => ['incus', 'cluster', 'remove', '--quiet', name, '--force', '--yes'];
const listFolder = (path: string): string[] => ['find', path, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n'];
const reach = (to: string, port: string): string[] => ['timeout', '5', 'bash', '-c', CONNECT, 'connect', to, port];

/** What the system of a guest needs of its host. */
const DEVICES = {
  root: { type: 'disk', path: '/', pool: POOL },
  eth0: { type: 'nic', nictype: 'bridged', parent: 'br0', name: 'eth0' },
  usr: { type: 'disk', source: '/usr', path: '/usr', readonly: 'true' },
  lab: { type: 'disk', source: '/etc/lab', path: '/etc/lab', readonly: 'true' },
};

/** Three hosts without a cluster become one, as cluster-bootstrap makes it. */
export async function recordFormation(recorder: Recorder): Promise<void> {
  await recorder.makeBare();
  await recordAlone(recorder);
  await recordFirst(recorder);
  await recordJoins(recorder);
  await recordDeclared(recorder);
  await recordTrial(recorder);
  await recordRemoval(recorder);
}

const onFirst =
  (recorder: Recorder) =>
  (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n1', note, argv, varies === undefined ? {} : { varies });

async function recordAlone(recorder: Recorder): Promise<void> {
  const on = onFirst(recorder);
  await on('alone: the server', query('/1.0'));
  await on('alone: the cluster', query('/1.0/cluster'));
  await on('alone: members', MEMBERS);
  await on('alone: groups', query('/1.0/cluster/groups?recursion=1'));
  await on('alone: pools', query('/1.0/storage-pools?recursion=1'));
  await on('alone: networks', query('/1.0/networks?recursion=1'));
  await on('alone: profiles', query('/1.0/profiles?recursion=1&project=default'));
  await on('alone: instances', query('/1.0/instances?recursion=1&all-projects=true'));
  await on('alone: a token', token('n2'));
  await on('an address', ['getent', 'ahosts', inNetwork('n2')]);
  await on('no such name', ['getent', 'ahosts', 'nowhere.invalid']);
  await on('a port where nobody listens', reach(inNetwork('n2'), '8443'));
  await on('an address where nobody is', reach(NOWHERE, '8443'), 'the kernel may be quicker than five seconds');
  await on('the place of the pool', listFolder(machinesOf(recorder.lab.record).storage.source));
  await on('no such place', listFolder('/data/nowhere'));
  await recorder.run('n1', ['sh', '-c', 'mkdir -p /data/full && touch /data/full/something']);
  await on('a place that holds something', listFolder('/data/full'));
}

async function recordFirst(recorder: Recorder): Promise<void> {
  const on = onFirst(recorder);
  const { driver, source } = machinesOf(recorder.lab.record).storage;
  const set = (config: Record<string, string>): string[] => send('PATCH', '/1.0', { config });
  const pool = (at: string): string[] =>
    send('POST', '/1.0/storage-pools', { name: POOL, driver, config: { source: at } });
  await on('listen', set({ 'core.https_address': listensAt('n1') }));
  await on('listen again', set({ 'core.https_address': listensAt('n1') }));
  await recorder.on('n2', 'a port where Incus listens', reach(inNetwork('n1'), '8443'));
  await on('alone: the server listens', query('/1.0'));
  await on('no such key', set({ 'no.such': '5' }));
  await on('alone: the server after it', query('/1.0'));
  await on('listen once more', set({ 'core.https_address': listensAt('n1') }));
  await on('a pool at no such place', pool('/data/nowhere'));
  await on('a pool at a place that holds something', pool('/data/full'));
  await on('a pool', pool(source));
  await on('a pool again', pool(source));
  await on('alone: its pool', query('/1.0/storage-pools?recursion=1'));
  await on('alone: its pool by name', query(`/1.0/storage-pools/${POOL}`));
  await on('alone: the cluster, with a pool', query('/1.0/cluster'));
  await on('the place of the pool, filled', listFolder(source), 'in which order a folder is read');
  const network = send('POST', '/1.0/networks', { ...NETWORK, description: 'For guests.', type: 'bridge' });
  await on('a network', network);
  await on('a network again', network);
  await on('alone: its network', query('/1.0/networks?recursion=1'));
  const enable = send('PUT', '/1.0/cluster', { server_name: 'n1', enabled: true });
  await on('the first member', enable);
  await on('the first member again', enable);
  await on('first: the server', query('/1.0'));
  await on('first: the cluster', query('/1.0/cluster'));
  await on('first: members', MEMBERS);
  await on('first: groups', query('/1.0/cluster/groups?recursion=1'));
  await on('first: pools', query('/1.0/storage-pools?recursion=1'));
  await on('first: its own pool', query(`/1.0/storage-pools/${POOL}?target=n1`));
  await on('first: networks', query('/1.0/networks?recursion=1'));
}

async function join(
  recorder: Recorder,
  host: string,
  note: string,
  secret: string,
  source = machinesOf(recorder.lab.record).storage.source,
): Promise<void> {
  const cluster = {
    ...{ enabled: true, server_name: host, server_address: listensAt(host), cluster_token: secret },
    member_config: [{ entity: 'storage-pool', name: POOL, key: 'source', value: source }],
  };
  await recorder.on(host, note, ['incus', 'admin', 'init', '--preseed'], { input: JSON.stringify({ cluster }) });
}

async function recordJoins(recorder: Recorder): Promise<void> {
  const mint = async (note: string, name: string): Promise<string> =>
    (await recorder.on('n1', note, token(name))).stdout.trim();
  await recorder.on('n1', 'a token for a member', token('n1'));
  const cancelled = await mint('a token', 'n2');
  const valid = await mint('another token', 'n2');
  await join(recorder, 'n2', 'join with what is no token', 'bm8gdG9rZW4gYXQgYWxs');
  await join(recorder, 'n2', 'join with a cancelled token', cancelled);
  await recorder.on('n2', 'after it: pools', query('/1.0/storage-pools?recursion=1'));
  await recorder.run('n2', ['sh', '-c', 'mkdir -p /data/full && touch /data/full/something']);
  await join(recorder, 'n2', 'join', valid);
  await join(recorder, 'n2', 'join again', valid);
  await recorder.on('n2', 'joined: the server', query('/1.0'));
  await recorder.on('n2', 'joined: the cluster', query('/1.0/cluster'));
  await recorder.on('n1', 'joined: members', MEMBERS);
  await recorder.on('n1', 'joined: its pool', query(`/1.0/storage-pools/${POOL}?target=n2`));
  await recorder.on('n1', 'joined: pools', query('/1.0/storage-pools?recursion=1'));
  await join(recorder, 'n3', 'join with a used token', valid);
  await recorder.run('n3', ['sh', '-c', 'mkdir -p /data/full && touch /data/full/something']);
  const third = await mint('a token for the third', 'n3');
  await join(recorder, 'n3', 'join with a place that holds something', third, '/data/full');
  await recorder.on('n3', 'after that: pools', query('/1.0/storage-pools?recursion=1'));
  await recorder.on('n3', 'after that: the cluster', query('/1.0/cluster'));
  await recorder.on('n1', 'after that: members', MEMBERS);
  const fourth = await mint('a new token for the third', 'n3');
  await join(recorder, 'n3', 'the third joins', fourth);
  await recorder.lab.memberIs('n3', 'Online');
  await recorder.on('n1', 'all: members', MEMBERS);
}

async function recordDeclared(recorder: Recorder): Promise<void> {
  const on = onFirst(recorder);
  const groups = '/1.0/cluster/groups';
  const group = (members: string[]): object => ({ description: 'Two of them.', members });
  await on('a group', send('POST', groups, { name: 'small', ...group(['n2']) }));
  await on('a group again', send('POST', groups, { name: 'small', ...group(['n2']) }));
  await on('a group of no such member', send('POST', groups, { name: 'other', ...group(['n7']) }));
  await on('another group', send('PUT', `${groups}/small`, group(['n2', 'n3'])));
  await on('another group of no such member', send('PUT', `${groups}/small`, group(['n7'])));
  await on('no such group', send('PUT', `${groups}/nope`, group(['n2'])));
  await on('its groups', query(`${groups}?recursion=1`));
  const profiles = '/1.0/profiles';
  const profile = { description: 'For guests.', config: { 'security.nesting': 'true' }, devices: DEVICES };
  await on('a profile', send('POST', `${profiles}?project=default`, { name: 'guests', ...profile }));
  await on('a profile again', send('POST', `${profiles}?project=default`, { name: 'guests', ...profile }));
  await on('another profile', send('PUT', `${profiles}/default?project=default`, profile));
  await on('no such profile', send('PUT', `${profiles}/nope?project=default`, profile));
  const broken = { ...profile, devices: { root: { type: 'disk', path: '/', pool: 'nope' } } };
  await on('a profile with no such pool', send('PUT', `${profiles}/guests?project=default`, broken));
  await on('its profiles', query(`${profiles}?recursion=1&project=default`));
  const set = (value: string, others = {}): string[] =>
    send('PATCH', '/1.0', { config: { ...others, 'cluster.offline_threshold': value } });
  await on('a setting of the cluster, as its default is', set('20'));
  await on('all: the server, which does not list it', query('/1.0'));
  await on('a setting of the cluster', set('30'));
  await on('a setting that is too low, with its addresses', set('5', ownAddresses('n1')));
  await on('all: the server after it', query('/1.0'));
  await recorder.on('n2', 'all: the server', query('/1.0'));
}

async function recordTrial(recorder: Recorder): Promise<void> {
  const on = onFirst(recorder);
  await on('launch', [...launch('guest', 'trial', 'n2'), ...RUN]);
  await on('launch again', launch('guest', 'trial', 'n2'));
  await on('what was launched', query('/1.0/instances?recursion=1&project=default'));
  await on('delete', remove('trial'));
  await on('delete again', remove('trial'));
  await on('launch on no such member', launch('guest', 'trial', 'n7'));
  await on('launch of no such image', launch('nope', 'trial', 'n2'));
}

async function recordRemoval(recorder: Recorder): Promise<void> {
  const on = onFirst(recorder);
  await on('remove a member', removeMember('n3'));
  await on('remove it again', removeMember('n3'));
  await on('without it: members', MEMBERS);
  await recorder.on('n3', 'removed: the server', query('/1.0'));
  await recordTakingBack(recorder);
}

/** What cluster-bootstrap does with a member whose join came to nothing, for which one that was removed by force stands. */
async function recordTakingBack(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], varies?: string): Promise<unknown> =>
    recorder.on('n3', `taken back: ${note}`, argv, varies === undefined ? {} : { varies });
  const { source } = machinesOf(recorder.lab.record).storage;
  const [state, aside] = ['/var/lib/incus', '/var/lib/runbook/set-aside/run'];
  await on('killed', ['systemctl', 'kill', '--signal=KILL', '--', 'incus.service']);
  await on('stopped', ['systemctl', 'stop', '--', 'incus.socket', 'incus.service']);
  await on('unmounted', ['umount', `${state}/storage-pools/${POOL}`]);
  await on('unmounted again', ['umount', `${state}/storage-pools/${POOL}`]);
  await on('its files', listFolder(state), 'it has more than is simulated');
  await on('a folder', ['mkdir', '-p', '-m', '700', aside]);
  for (const name of ['database', 'cluster.crt', 'cluster.key', 'storage-pools'])
    await on(`${name} set aside`, ['mv', '--no-target-directory', `${state}/${name}`, `${aside}/${name}`]);
  await on('the place of the pool', listFolder(source), 'in which order a folder is read');
  await on('what is in it', listFolder(`${source}/buckets`));
  const folders = ['buckets', 'containers', 'containers-snapshots', 'custom', 'custom-snapshots', 'images'];
  for (const name of [...folders, 'virtual-machines', 'virtual-machines-snapshots'])
    await on(`${name} cleared`, ['rmdir', '--', `${source}/${name}`]);
  await on('started', ['systemctl', 'start', '--no-block', '--', 'incus.socket', 'incus.service']);
  await on('ready', ['incus', 'admin', 'waitready', '--timeout=30']);
  await on('the server', query('/1.0'));
  await on('the cluster', query('/1.0/cluster'));
  await on('pools', query('/1.0/storage-pools?recursion=1'));
  const mint = async (note: string): Promise<string> =>
    (await recorder.on('n1', `taken back: ${note}`, token('n3'))).stdout.trim();
  await join(recorder, 'n3', 'taken back: join while its bridge is there', await mint('a token'));
  await on('the pool of that join', query('/1.0/storage-pools?recursion=1'));
  await on('its bridge', ['ip', 'link', 'delete', NETWORK.name]);
  await on('its bridge again', ['ip', 'link', 'delete', NETWORK.name]);
  await on('that pool', ['incus', 'storage', 'delete', POOL]);
  await join(recorder, 'n3', 'taken back: join', await mint('another token'));
  await recorder.lab.memberIs('n3', 'Online');
  await recorder.on('n1', 'taken back: members', MEMBERS);
  const set = (config: object): string[] => send('PATCH', '/1.0', { config });
  await recorder.on('n1', 'a setting that is too low', set({ 'cluster.offline_threshold': '5' }));
  await recorder.on('n1', 'all: the server after that', query('/1.0'));
  await recorder.on('n1', 'its addresses again', set(ownAddresses('n1')));
}
