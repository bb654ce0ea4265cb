import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Unexpected } from './result.ts';
import { datasetName } from './zfs-names.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Each snapshot is opened for it, as for its details. */
const TIMEOUT_MS = 10 * 60_000;
const MAX_BYTES = 64 * 2 ** 20;
const COLUMNS = 'name,referenced';

/**
 * What each snapshot refers to, by its full name, from `root` on: so much a restore of it brings. One command.
 * @throws {TypeError} for a name that ZFS would take for something else.
 */
export async function zfsSnapshotSizes(
  host: Host,
  root: string,
  options: ToolOptions = {},
): Promise<{ type: 'sizes'; sizes: Map<string, number> } | NotFound | Unexpected> {
  const argv = ['zfs', 'list', '-Hp', '-r', '-t', 'snapshot', '-o', COLUMNS, datasetName(root)];
  const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes: MAX_BYTES };
  const ran = { argv, result: await host.run(argv, { ...limits, ...withSignal(options) }) };
  if (ran.result.exitCode !== 0) return readZfsError('zfs', ran);
  if (ran.result.truncated) return unexpected('zfs', ran, 'Expected the whole list, got more than is kept.');
  const lines = ran.result.stdout.split('\n').filter((line) => line !== '');
  const sizes = new Map(
    lines.flatMap((line): [string, number][] => {
      const [name = '', bytes = ''] = line.split('\t');
      return /^\d+$/.test(bytes) ? [[name, Number(bytes)]] : [];
    }),
  );
  return sizes.size === lines.length
    ? { type: 'sizes', sizes }
    : unexpected('zfs', ran, `Expected ${COLUMNS}, apart by tabs.`);
}
