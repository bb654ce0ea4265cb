import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';

/** All files of a repository, to a cold disk at worst. */
const TIMEOUT_MS = 5 * 60_000;

/** Unpacks a tar archive into a folder that is there. Idempotent. */
export async function unpack(host: Host, archive: string, folder: string): Promise<{ type: 'unpacked' } | Unexpected> {
  const argv = ['tar', '--extract', '--no-same-owner', `--file=${archive}`, `--directory=${folder}`];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS });
  return result.exitCode === 0 ? { type: 'unpacked' } : unexpected('tar', { argv, result });
}
