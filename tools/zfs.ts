import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A pool whose disks are waking up or retrying takes tens of seconds; a suspended one never answers. */
const TIMEOUT_MS = 60_000;

const HEALTHS = ['ONLINE', 'DEGRADED', 'FAULTED', 'OFFLINE', 'REMOVED', 'UNAVAIL', 'SUSPENDED'] as const;

interface PoolHealth {
  type: 'pool';
  name: string;
  health: (typeof HEALTHS)[number];
  /** Bytes, before redundancy. */
  size: number;
  allocated: number;
  free: number;
}

interface NewestZfsSnapshot {
  type: 'snapshot';
  /** `dataset@snapshot` */
  name: string;
  /** ISO 8601. */
  created: string;
}

export interface Zfs {
  /** Every pool that is imported. */
  pools(): Promise<{ type: 'pools'; pools: PoolHealth[] } | Unexpected>;
  poolHealth(pool: string): Promise<PoolHealth | NotFound | Unexpected>;
  /** What is directly below a dataset: datasets, volumes, snapshots and bookmarks, by their full names. */
  below(dataset: string): Promise<{ type: 'names'; names: string[] } | NotFound | Unexpected>;
  /** Of the dataset itself, not of those below. `none`: it has no snapshot. */
  newestSnapshot(dataset: string): Promise<NewestZfsSnapshot | { type: 'none' } | NotFound | Unexpected>;
}

/** All throw a TypeError for a name that ZFS would take for an option. */
export function createZfs(host: Host, options: ToolOptions = {}): Zfs {
  const run = async (argv: string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });

  return {
    pools: async () => {
      const ran = await run(LIST_POOLS);
      if (ran.result.exitCode !== 0) return unexpected('zpool', ran);
      const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
      const pools = lines.flatMap((line) => readPool(line) ?? []);
      return pools.length === lines.length ? { type: 'pools', pools } : unexpected('zpool', ran, POOL_COLUMNS);
    },
    poolHealth: async (pool) => {
      const ran = await run([...LIST_POOLS, zfsName(pool)]);
      if (ran.result.exitCode !== 0) return readZfsError('zpool', ran);
      return readPool(ran.result.stdout.trimEnd()) ?? unexpected('zpool', ran, POOL_COLUMNS);
    },
    below: async (dataset) => {
      const ran = await run(['zfs', 'list', '-Hp', '-t', 'all', '-d', '1', '-o', 'name', zfsName(dataset)]);
      if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
      const names = ran.result.stdout.split('\n').filter((name) => name !== '' && name !== dataset);
      return { type: 'names', names };
    },
    newestSnapshot: async (dataset) => {
      const columns = ['-o', 'name,creation', '-S', 'creation'];
      const ran = await run(['zfs', 'list', '-Hp', '-t', 'snapshot', '-d', '1', ...columns, zfsName(dataset)]);
      if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
      const line = ran.result.stdout.split('\n', 1)[0] ?? '';
      if (line === '') return { type: 'none' };
      const [name, creation] = line.split('\t');
      const seconds = wholeNumber(creation);
      if (name?.includes('@') !== true || seconds === undefined)
        return unexpected('zfs', ran, 'Expected name and creation in seconds, apart by a tab.');
      return { type: 'snapshot', name, created: new Date(seconds * 1000).toISOString() };
    },
  };
}

const LIST_POOLS = ['zpool', 'list', '-Hp', '-o', 'name,health,size,alloc,free'];
const POOL_COLUMNS = 'Expected name, health, size, alloc and free, apart by tabs.';

function readPool(line: string): PoolHealth | undefined {
  const [name, word, ...sizes] = line.split('\t');
  const health = HEALTHS.find((known) => known === word);
  const [size, allocated, free] = sizes.map(wholeNumber);
  if (name === undefined || health === undefined || size === undefined || allocated === undefined) return undefined;
  return free === undefined ? undefined : { type: 'pool', name, health, size, allocated, free };
}

/** What is not there, by ZFS's words. */
export function readZfsError(tool: string, ran: Ran): NotFound | Unexpected {
  const missing = /^cannot open '([^']*)': (?:no such pool|dataset does not exist)$/m.exec(ran.result.stderr);
  return missing === null ? unexpected(tool, ran) : { type: 'not found', what: missing[1] ?? '' };
}

/** Throws a TypeError for a name that ZFS would take for something else. */
export function zfsName(name: string): string {
  if (/^[A-Za-z0-9][^\s@]*$/.test(name)) return name;
  throw new TypeError(`Expected the name of a ZFS pool or dataset, got ${JSON.stringify(name)}.`);
}

/** Whole numbers as `-p` prints them. */
function wholeNumber(text: string | undefined): number | undefined {
  return /^\d+$/.test(text ?? '') ? Number(text) : undefined;
}
