import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { datasetName } from './zfs-names.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Some thousand snapshots take seconds; disks that wake up take tens of them. */
const TIMEOUT_MS = 5 * 60_000;
/** A hundred bytes of each of half a million snapshots. What was cut is not read at all. */
const MAX_BYTES = 64 * 2 ** 20;

/** A snapshot by its name after `@`, or a bookmark by that after `#`. Numbers of 64 bits are texts: JavaScript has none. */
export interface ReplicationPoint {
  name: string;
  guid: string;
  createtxg: string;
}

/** What replication has to know of a dataset, on either side. */
export interface ReplicationDataset {
  name: string;
  kind: 'filesystem' | 'volume';
  /** By the order in which they were made. */
  snapshots: ReplicationPoint[];
  bookmarks: ReplicationPoint[];
  encrypted: boolean;
  /** Also where it needs none. */
  keyLoaded: boolean;
  usedBytes: number;
  /** Since the newest snapshot. */
  writtenBytes: number;
  readonly: boolean;
  mounted: boolean;
  /** What an interrupted receive goes on from. */
  token?: string;
}

/** These three are told without opening each snapshot, `creation` or `userrefs` are not (`zfs_list_only_by_fast`, OpenZFS). */
const POINT_COLUMNS = 'name,guid,createtxg';
const DATASET_COLUMNS = 'name,type,encryption,keystatus,readonly,mounted,used,written,receive_resume_token';

/**
 * Every dataset from `root` on with its snapshots and bookmarks, parents first: two commands, however many there are.
 * @throws {TypeError} for a name that ZFS would take for something else.
 */
export async function zfsInventory(
  host: Host,
  root: string,
  options: ToolOptions = {},
): Promise<{ type: 'inventory'; datasets: ReplicationDataset[] } | NotFound | Unexpected> {
  const list = async (types: string, columns: string): Promise<Ran> => {
    const argv = ['zfs', 'list', '-Hp', '-r', '-t', types, '-o', columns, datasetName(root)];
    const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_BYTES };
    return { argv, result: await host.run(argv, { ...limits, ...withSignal(options) }) };
  };
  // The points first: one that is made meanwhile is missing, and its dataset is not.
  const points = await list('snapshot,bookmark', POINT_COLUMNS);
  const datasets = await list('filesystem,volume', DATASET_COLUMNS);
  for (const ran of [points, datasets]) {
    if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
    if (ran.result.truncated) return unexpected('zfs', ran, 'Expected the whole list, got more than is kept.');
  }
  const found = new Map<string, ReplicationDataset>();
  for (const line of linesOf(datasets)) {
    const dataset = readDataset(line);
    if (dataset === undefined) return unexpected('zfs', datasets, `Expected ${DATASET_COLUMNS}, apart by tabs.`);
    found.set(dataset.name, dataset);
  }
  for (const line of linesOf(points)) {
    const read = readPoint(line);
    if (read === undefined) return unexpected('zfs', points, `Expected ${POINT_COLUMNS}, apart by tabs.`);
    const dataset = found.get(read.dataset);
    (read.sign === '@' ? dataset?.snapshots : dataset?.bookmarks)?.push(read.point);
  }
  for (const { snapshots, bookmarks } of found.values()) for (const all of [snapshots, bookmarks]) all.sort(byAge);
  return { type: 'inventory', datasets: [...found.values()] };
}

const linesOf = ({ result }: Ran): string[] => result.stdout.split('\n').filter((line) => line !== '');

const byAge = (a: ReplicationPoint, b: ReplicationPoint): number => {
  const [first, second] = [BigInt(a.createtxg), BigInt(b.createtxg)];
  return first === second ? 0 : first < second ? -1 : 1;
};

function readPoint(line: string): { dataset: string; sign: string; point: ReplicationPoint } | undefined {
  const [, dataset, sign, name, guid, createtxg] = /^([^@#\t]+)([@#])([^\t]+)\t(\d+)\t(\d+)$/.exec(line) ?? [];
  if (dataset === undefined || sign === undefined || name === undefined) return undefined;
  if (guid === undefined || createtxg === undefined) return undefined;
  return { dataset, sign, point: { name, guid, createtxg } };
}

function readDataset(line: string): ReplicationDataset | undefined {
  const [name, kind, encryption, keystatus, readonly, mounted, used, written, token] = line.split('\t');
  if (name === undefined || token === undefined || (kind !== 'filesystem' && kind !== 'volume')) return undefined;
  const [usedBytes, writtenBytes] = [used, written].map((text) => (/^\d+$/.test(text ?? '') ? Number(text) : NaN));
  if (usedBytes === undefined || writtenBytes === undefined || Number.isNaN(usedBytes + writtenBytes)) return undefined;
  const encrypted = encryption !== 'off';
  return {
    ...{ name, kind, snapshots: [], bookmarks: [], encrypted },
    ...{ keyLoaded: !encrypted || keystatus === 'available', usedBytes, writtenBytes },
    ...{ readonly: readonly === 'on', mounted: mounted === 'yes' },
    ...(token === '-' ? {} : { token }),
  };
}
