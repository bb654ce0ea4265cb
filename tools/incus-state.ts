import type { Host, RunResult } from '../hosts/host.ts';
import { listFolder } from './folder.ts';
import { unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const STATE = '/var/lib/incus';
/** What makes a server a member of a cluster: its database, the cluster's certificate, its records of pools and networks. */
const OF_THE_CLUSTER = ['networks', 'database', 'cluster.crt', 'cluster.key', 'storage-pools'] satisfies string[];
/** Who a member is, besides `database/local.db`; the last of them is put in its place last. */
const IDENTITY = ['cluster.crt', 'cluster.key', 'server.crt', 'server.key'] satisfies string[];
/** Where Incus keeps what of an instance, in a pool and beside the pools. */
const INSTANCES = ['containers', 'virtual-machines'] satisfies string[];
/** What Incus makes in the place of a pool that has nothing yet; of datasets the deepest first. */
const SKELETON = ['buckets', 'containers', 'custom', 'images', 'virtual-machines'] satisfies string[];
export const FOLDERS = [
  ...SKELETON,
  'containers-snapshots',
  'custom-snapshots',
  'virtual-machines-snapshots',
] satisfies string[];
export const DATASETS = [...SKELETON.map((name) => `deleted/${name}`), ...SKELETON, 'deleted'] satisfies string[];

const TIMEOUT_MS = 60_000;
/** systemd kills what does not stop within 90 s by default; killed processes are gone at once. */
const STOP_TIMEOUT_MS = 3 * 60_000;

type Step<T extends string> = { type: T } | Unexpected;
type Cleared = Step<'cleared'> | { type: 'holds'; found: string[] };

/** The files of an Incus whose daemon cannot be asked, on the host itself. Each step is idempotent. */
export interface IncusState {
  /** Ends the daemon, also one that hangs in its start, and keeps it from being started by its socket. */
  stop(): Promise<Step<'stopped'>>;
  start(): Promise<Step<'started'>>;
  /** Of those networks the bridges that Incus made and its death has left: with one of them there, it makes no network. */
  removeBridges(networks: readonly string[]): Promise<Step<'removed'>>;
  /** Moves what makes it a member of a cluster into another folder of the host: nothing is lost. */
  setAside(folder: string, pools: readonly string[]): Promise<Step<'set aside'>>;
  /** Whether the server's own key is the one in that folder. */
  hasIdentity(staged: string): Promise<{ type: 'identity'; same: boolean } | Unexpected>;
  /**
   * Puts a saved identity in the place of the server's own, which goes to `aside`; its daemon is stopped. Instances get the
   * mount points that Incus looks for before it starts them. `datasets`: by pool, as below the pool's dataset.
   */
  adopt(staged: string, aside: string, datasets: Readonly<Record<string, readonly string[]>>): Promise<Step<'adopted'>>;
  /** Takes away the empty folders that Incus made for a pool. `holds`: there is more, and nothing was touched. */
  clearFolder(path: string): Promise<Cleared>;
  /** The same of datasets. */
  clearDataset(dataset: string): Promise<Cleared>;
}

export function createIncusState(host: Host, options: ToolOptions = {}): IncusState {
  const run = async (argv: readonly string[], timeoutMs = TIMEOUT_MS): Promise<Ran & { result: RunResult }> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });
  /** Runs each; the first that does not end well is the answer. */
  const all = async (commands: readonly string[][], timeoutMs?: number): Promise<Unexpected | undefined> => {
    for (const argv of commands) {
      const ran = await run(argv, timeoutMs);
      if (ran.result.exitCode !== 0) return unexpected(argv[0] ?? '', ran);
    }
    return undefined;
  };

  const moveAside = async (folder: string, names: readonly string[]): Promise<Unexpected | undefined> => {
    const listed = await listFolder(host, STATE, options);
    if (listed.type === 'unexpected') return listed;
    const found = listed.type === 'entries' ? names.filter((name) => listed.names.includes(name)) : [];
    const moves = found.map((name) => ['mv', '--no-target-directory', `${STATE}/${name}`, `${folder}/${name}`]);
    return all([['mkdir', '-p', '-m', '700', folder], ...moves]);
  };

  return {
    stop: async () => {
      // Fails where no process is left, which is as good.
      await run(['systemctl', 'kill', '--signal=KILL', '--', 'incus.service']);
      const problem = await all([['systemctl', 'stop', '--', 'incus.socket', 'incus.service']], STOP_TIMEOUT_MS);
      return problem ?? { type: 'stopped' };
    },
    start: async () => {
      const problem = await all([['systemctl', 'start', '--no-block', '--', 'incus.socket', 'incus.service']]);
      return problem ?? { type: 'started' };
    },
    removeBridges: async (networks) => {
      const listed = await listFolder(host, `${STATE}/networks`, options);
      if (listed.type === 'unexpected') return listed;
      const own = listed.type === 'entries' ? listed.names : [];
      for (const network of networks.filter((name) => own.includes(name))) {
        const ran = await run(['ip', 'link', 'delete', network]);
        if (ran.result.exitCode !== 0 && !/^Cannot find device /m.test(ran.result.stderr)) return unexpected('ip', ran);
      }
      return { type: 'removed' };
    },
    setAside: async (folder, pools) => {
      for (const pool of pools) {
        const argv = ['umount', `${STATE}/storage-pools/${pool}`];
        const ran = await run(argv);
        const isNone = /: (?:not mounted|no mount point specified)\.?$/m.test(ran.result.stderr);
        if (ran.result.exitCode !== 0 && !isNone) return unexpected('umount', ran);
      }
      return (await moveAside(folder, OF_THE_CLUSTER)) ?? { type: 'set aside' };
    },
    hasIdentity: async (staged) => {
      const ran = await run(['cmp', '--silent', `${staged}/${LAST}`, `${STATE}/${LAST}`]);
      if (ran.result.exitCode === 0) return { type: 'identity', same: true };
      // 2: one of them is not there.
      return ran.result.exitCode === 1 || ran.result.exitCode === 2
        ? { type: 'identity', same: false }
        : unexpected('cmp', ran);
    },
    adopt: async (staged, aside, datasets) => {
      const problem = await moveAside(aside, ['database', ...IDENTITY]);
      if (problem !== undefined) return problem;
      const place = (name: string): string[] => [
        ...['install', '-m', name.endsWith('.key') ? '600' : '644', '--', `${staged}/${name}`, `${STATE}/${name}`],
      ];
      const folders = [
        ['install', '-d', '-m', '700', `${STATE}/database`, `${STATE}/database/global`],
        ...Object.entries(datasets).flatMap(([pool, names]) => mountPoints(pool, names)),
      ];
      const database = ['install', '-m', '600', '--', `${staged}/database/local.db`, `${STATE}/database/local.db`];
      return (await all([...folders, database, ...IDENTITY.map(place)])) ?? { type: 'adopted' };
    },
    clearFolder: async (path) => {
      const listed = await listFolder(host, path, options);
      if (listed.type === 'unexpected') return listed;
      const names = listed.type === 'entries' ? listed.names : [];
      const others = names.filter((name) => !FOLDERS.includes(name));
      if (others.length > 0) return { type: 'holds', found: others };
      for (const name of names) {
        const inside = await listFolder(host, `${path}/${name}`, options);
        if (inside.type === 'unexpected') return inside;
        if (inside.type === 'entries' && inside.names.length > 0)
          return { type: 'holds', found: inside.names.map((each) => `${name}/${each}`) };
      }
      // rmdir takes nothing that holds anything, whatever came there meanwhile.
      return (await all(names.map((name) => ['rmdir', '--', `${path}/${name}`]))) ?? { type: 'cleared' };
    },
    clearDataset: async (dataset) => {
      const ran = await run(['zfs', 'list', '-Hp', '-t', 'all', '-r', '-o', 'name', dataset]);
      if (ran.result.exitCode !== 0) return unexpected('zfs', ran);
      const names = ran.result.stdout.split('\n').filter((name) => name !== '' && name !== dataset);
      const known = DATASETS.map((name) => `${dataset}/${name}`);
      const others = names.filter((name) => !known.includes(name));
      if (others.length > 0) return { type: 'holds', found: others };
      // Without -r it takes nothing that has something below it, or a snapshot.
      const doomed = known.filter((name) => names.includes(name));
      return (await all(doomed.map((name) => ['zfs', 'destroy', name]))) ?? { type: 'cleared' };
    },
  };
}

const LAST = 'server.key';

/** As Incus makes them when it makes an instance; at its start it expects them. */
function mountPoints(pool: string, datasets: readonly string[]): string[][] {
  const root = `${STATE}/storage-pools/${pool}`;
  const instances = datasets.filter(
    (name) => !name.endsWith('.block') && INSTANCES.includes(name.split('/', 1)[0] ?? ''),
  );
  return [
    ['install', '-d', '-m', '711', `${STATE}/storage-pools`, root],
    ...INSTANCES.map((kind) => ['install', '-d', '-m', '711', `${root}/${kind}`, `${STATE}/${kind}`]),
    ...instances.flatMap((name) => [
      ['install', '-d', '-m', '100', `${root}/${name}`],
      ['ln', '--symbolic', '--force', '--no-dereference', `${root}/${name}`, `${STATE}/${name}`],
    ]),
  ];
}
