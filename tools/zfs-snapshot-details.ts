import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Unexpected } from './result.ts';
import { datasetName } from './zfs-names.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Each snapshot is opened for it: 100,000 of them take a minute. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_BYTES = 64 * 2 ** 20;
const COLUMNS = 'name,guid,createtxg,creation,userrefs,clones';

export interface SnapshotDetails {
  dataset: string;
  /** After `@`. */
  name: string;
  guid: string;
  createtxg: string;
  /** ISO 8601; a replica's snapshots have the times of their source. */
  createdAt: string;
  holds: number;
  clones: string[];
}

/**
 * What only a look into each snapshot tells, of every dataset from `root` on: one command.
 * @throws {TypeError} for a name that ZFS would take for something else.
 */
export async function zfsSnapshotDetails(
  host: Host,
  root: string,
  options: ToolOptions = {},
): Promise<{ type: 'snapshots'; snapshots: SnapshotDetails[] } | NotFound | Unexpected> {
  const argv = ['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', COLUMNS, datasetName(root)];
  const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_BYTES };
  const ran = { argv, result: await host.run(argv, { ...limits, ...withSignal(options) }) };
  if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
  if (ran.result.truncated) return unexpected('zfs', ran, 'Expected the whole list, got more than is kept.');
  const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
  const snapshots = lines.flatMap((line) => readDetails(line) ?? []);
  return snapshots.length === lines.length
    ? { type: 'snapshots', snapshots }
    : unexpected('zfs', ran, `Expected ${COLUMNS}, apart by tabs.`);
}

function readDetails(line: string): SnapshotDetails | undefined {
  const [full = '', guid = '', createtxg = '', creation = '', userrefs = '', clones] = line.split('\t');
  const [dataset, name] = full.split('@');
  if (dataset === undefined || name === undefined || clones === undefined) return undefined;
  if (![guid, createtxg, creation, userrefs].every((number) => /^\d+$/.test(number))) return undefined;
  return {
    ...{ dataset, name, guid, createtxg, createdAt: new Date(Number(creation) * 1000).toISOString() },
    ...{ holds: Number(userrefs), clones: clones.split(',').filter((clone) => clone !== '' && clone !== '-') },
  };
}
