import { address, hostNamed } from '../nodes.ts';
import { machinesOf } from '../machines.ts';
import { query } from './incus-commands.ts';
import type { Recorder } from './recorder.ts';

const DATASET = 'tank/incus';
const KEPT = 'tank/incus-recorded';
const own = (dataset: string): string[] => ['zfs', 'get', '-Hp', '-s', 'local', '-o', 'property,value', 'all', dataset];
const IMPORTABLE = ['zpool', 'import'];
const sql = (statement: string): string[] => ['incus', 'admin', 'sql', 'global', statement, '-f', 'json'];
const tree = (dataset: string): string[] => [
  ...['zfs', 'list', '-Hp', '-t', 'filesystem,volume', '-r', '-o', 'name,type,origin,encryption', dataset],
];
const recover = (step: 'validate' | 'import'): string[] => [
  ...['incus', 'query', '-X', 'POST', '-d', '{"pools":[{"name":"local"}]}', `/internal/recover/${step}`],
];
const editVolume = (name: string): string[] => [
  ...['incus', 'storage', 'volume', 'edit', '--project', 'default', '--target', 'n3', 'local', name],
];
const OF_N3 = [
  'JOIN projects ON projects.id = instances.project_id',
  "JOIN nodes ON nodes.id = instances.node_id WHERE nodes.name = 'n3'",
].join(' ');
const INSTANCES = `SELECT projects.name, instances.name, instances.type FROM instances ${OF_N3}`;
const CONFIG = [
  'SELECT projects.name, instances.name, instances_config.key, instances_config.value FROM instances_config',
  `JOIN instances ON instances.id = instances_config.instance_id ${OF_N3}`,
].join(' ');
const DEVICES = [
  'SELECT projects.name, instances.name, instances_devices.name, instances_devices.type,',
  'instances_devices_config.key, instances_devices_config.value FROM instances_devices',
  'JOIN instances ON instances.id = instances_devices.instance_id',
  'LEFT JOIN instances_devices_config ON instances_devices_config.instance_device_id = instances_devices.id',
  OF_N3,
].join(' ');
const PROFILES = [
  'SELECT projects.name, instances.name, profiles.name FROM instances_profiles',
  'JOIN instances ON instances.id = instances_profiles.instance_id',
  `JOIN profiles ON profiles.id = instances_profiles.profile_id ${OF_N3} ORDER BY instances_profiles.apply_order`,
].join(' ');
const IMAGES = [
  'SELECT DISTINCT projects.name, images.fingerprint FROM images',
  'JOIN projects ON projects.id = images.project_id',
  'JOIN images_nodes ON images_nodes.image_id = images.id',
  "JOIN nodes ON nodes.id = images_nodes.node_id WHERE nodes.name <> 'n3'",
].join(' ');
const WHO = [
  'SELECT projects.name, instances.name FROM instances_config',
  'JOIN instances ON instances.id = instances_config.instance_id',
  'JOIN projects ON projects.id = instances.project_id',
  'JOIN nodes ON nodes.id = instances.node_id',
  "WHERE nodes.name = 'n3' AND instances_config.key = 'volatile.last_state.power'",
  "AND instances_config.value = 'RUNNING'",
].join(' ');
const SNAPSHOTS = [
  'SELECT storage_pools.name, projects.name, storage_volumes.name, snapshots.name, snapshots.description,',
  'snapshots.expiry_date FROM storage_volumes_snapshots AS snapshots',
  'JOIN storage_volumes ON storage_volumes.id = snapshots.storage_volume_id',
  'JOIN storage_pools ON storage_pools.id = storage_volumes.storage_pool_id',
  'JOIN projects ON projects.id = storage_volumes.project_id',
  'JOIN nodes ON nodes.id = storage_volumes.node_id',
  "WHERE nodes.name = 'n3' AND storage_volumes.type = 2",
].join(' ');

/** `n3` gets a new root disk and joins anew with what its pool has, as node-rejoin does it. */
export async function recordRejoin(recorder: Recorder): Promise<void> {
  await recordFiles(recorder);
  await recordRecords(recorder);
  // A host with another hostid had the pool last.
  await recorder.lab.replaceRootDisk('n3');
  await recorder.run('n3', ['sh', '-c', 'zgenhostid -f 00bab10c && zpool import -f tank']);
  await recorder.lab.replaceRootDisk('n3');
  await recorder.lab.memberIs('n3', 'Offline');
  await recordImport(recorder);
  await recordAside(recorder);
  await joinAnew(recorder);
  await recordBack(recorder);
}

async function recordFiles(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  await recorder.run('n3', [
    'sh',
    '-c',
    'mkdir /root/new /root/old && echo a >/root/new/server.key && echo b >/root/old/server.key',
  ]);
  const cmp = (from: string, to: string): string[] => ['cmp', '--silent', from, to];
  await on('another key', cmp('/root/new/server.key', '/root/old/server.key'));
  await on('no key', cmp('/root/new/server.key', '/root/server.key'));
  await on('a key in its place', ['install', '-m', '600', '--', '/root/new/server.key', '/root/old/server.key']);
  await on('the same key', cmp('/root/new/server.key', '/root/old/server.key'));
  await on('folders', ['install', '-d', '-m', '711', '/root/pools', '/root/pools/local']);
  await on('the folder of an instance', ['install', '-d', '-m', '100', '/root/pools/local/c']);
  await on('the folder of the database', ['install', '-d', '-m', '700', '/root/database']);
  await on('a link', ['ln', '--symbolic', '--force', '--no-dereference', '/root/pools/local/c', '/root/c']);
  await on('to the disk', ['sync', '--file-system', '--', '/var/lib/incus']);
  await on('an address of the host', ['ip', '-o', 'address', 'show', 'to', address(0, hostNamed('n3'))]);
  await on('an address of another', ['ip', '-o', 'address', 'show', 'to', address(0, hostNamed('n1'))]);
}

async function recordRecords(recorder: Recorder): Promise<void> {
  await recorder.run('n3', [
    'sh',
    '-c',
    'exec </dev/null; incus storage volume snapshot create local g3-data kept --target n3',
  ]);
  await recorder.on('n1', 'what runs on a member', sql(WHO));
  await recorder.on('n1', 'snapshots of its volumes', sql(SNAPSHOTS));
  await recorder.on('n1', 'instances of a member', sql(INSTANCES));
  await recorder.on('n1', 'their configuration', sql(CONFIG));
  await recorder.on('n1', 'their devices', sql(DEVICES));
  await recorder.on('n1', 'their profiles', sql(PROFILES));
  await recorder.on('n1', 'images that others have', sql(IMAGES));
  await recorder.on('n1', 'a member', query('/1.0/cluster/members/n3'));
  await recorder.on(
    'n1',
    'volumes of all projects',
    query('/1.0/storage-pools/local/volumes/custom?recursion=1&all-projects=true'),
  );
}

async function recordImport(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  await on('a pool that another system had', IMPORTABLE);
  await on('import of it', ['zpool', 'import', 'tank']);
  await on('import by force', ['zpool', 'import', '-f', 'tank']);
  await on('import again', ['zpool', 'import', 'tank']);
  await on('import of none', ['zpool', 'import', 'nope']);
  await on('nothing to import', IMPORTABLE);
  await recorder.run('n3', ['zpool', 'export', 'tank']);
  await on('a pool that can be imported', IMPORTABLE);
  await on('import', ['zpool', 'import', 'tank']);
}

async function recordAside(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[]): Promise<unknown> => recorder.on('n3', note, argv);
  await on('the tree of a pool', tree(DATASET));
  await on('the tree of none', tree('tank/nope'));
  await on('properties of a dataset itself', own(DATASET));
  await on('properties of none', own('tank/nope'));
  await on('rename of none', ['zfs', 'rename', 'tank/nope', KEPT]);
  await on('rename to one that is there', ['zfs', 'rename', DATASET, 'tank/backup']);
  await on('rename', ['zfs', 'rename', DATASET, KEPT]);
  await on('mark', ['zfs', 'set', 'runbook:rejoin=open', `runbook:kept-from=${DATASET}`, KEPT]);
  await on('mark of none', ['zfs', 'set', 'runbook:rejoin=open', 'tank/nope']);
  await on('a property is cleared', ['zfs', 'inherit', 'runbook:kept-why', KEPT]);
  await on('a property is cleared again', ['zfs', 'inherit', 'runbook:kept-why', KEPT]);
  await on('a property of none is cleared', ['zfs', 'inherit', 'runbook:kept-why', 'tank/nope']);
  await on('create', ['zfs', 'create', '-o', 'mountpoint=legacy', '-o', 'devices=on', DATASET]);
  await on('create again', ['zfs', 'create', '-o', 'mountpoint=legacy', DATASET]);
}

async function joinAnew(recorder: Recorder): Promise<void> {
  await recorder.run('n1', ['incus', 'cluster', 'remove', '--quiet', 'n3', '--force', '--yes']);
  const { stdout } = await recorder.run('n1', ['incus', 'cluster', 'add', '--quiet', 'n3']);
  const { source } = machinesOf(recorder.lab.record).storage;
  const preseed = {
    cluster: {
      enabled: true,
      server_name: 'n3',
      server_address: `${address(0, hostNamed('n3'))}:8443`,
      cluster_token: stdout.trim().split('\n').at(-1),
      member_config: [{ entity: 'storage-pool', name: 'local', key: 'source', value: source }],
    },
  };
  await recorder.run('n3', ['incus', 'admin', 'init', '--preseed'], { input: JSON.stringify(preseed) });
}

async function recordBack(recorder: Recorder): Promise<void> {
  const on = (note: string, argv: string[], input?: string): Promise<unknown> =>
    recorder.on('n3', note, argv, input === undefined ? {} : { input });
  await on('nothing unknown', recover('validate'));
  for (const name of ['containers/g3', 'custom/default_g3-data'])
    await recorder.run('n3', ['zfs', 'rename', `${KEPT}/${name}`, `${DATASET}/${name}`]);
  await on('unknown volumes', recover('validate'));
  await on('recover', recover('import'));
  await on('recover again', recover('import'));
  await on('the record of a volume', editVolume('g3-data'), '{"description":"","config":{"user.note":"kept"}}');
  await on(
    'the record of a snapshot',
    editVolume('g3-data/kept'),
    '{"description":"","expires_at":"2031-01-01T00:00:00.000Z"}',
  );
  await on('the record of no volume', editVolume('nope'), '{"description":"","config":{}}');
  await on(
    'the record of a member',
    ['incus', 'cluster', 'edit', 'n3'],
    '{"description":"","failure_domain":"default","groups":["default"],"roles":["database"],"config":{"user.rack":"7"}}',
  );
}
