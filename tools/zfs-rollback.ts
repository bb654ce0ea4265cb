import type { Host } from '../hosts/host.ts';
import { unexpected, type NotFound, type Ran, type Unexpected } from './result.ts';
import { datasetName, shortName } from './zfs-names.ts';
import { readZfsError } from './zfs.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 5 * 60_000;

/**
 * Back to the dataset's newest snapshot: what was written since is lost. Never past another one: `newer` where the snapshot is
 * not the newest, and nothing was changed.
 * @throws {TypeError} for a name that ZFS would take for something else.
 */
export async function zfsRollback(
  host: Host,
  { dataset, snapshot }: { dataset: string; snapshot: string },
  options: ToolOptions = {},
): Promise<{ type: 'rolled back' } | { type: 'newer'; message: string } | NotFound | Unexpected> {
  const argv = ['zfs', 'rollback', `${datasetName(dataset)}@${shortName(snapshot)}`];
  const ran: Ran = { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }) };
  if (ran.result.exitCode === 0) return { type: 'rolled back' };
  if (/: more recent snapshots or bookmarks exist$/m.test(ran.result.stderr))
    return { type: 'newer', message: ran.result.stderr.trim() };
  return ran.result.stderr === '' ? unexpected('zfs', ran) : readZfsError('zfs', ran);
}
