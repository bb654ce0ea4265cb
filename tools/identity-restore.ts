import { createHash } from 'node:crypto';
import type { Host } from '../hosts/host.ts';
import { IDENTITY_FILES } from './identity-archive.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 60_000;

/**
 * Unpacks a plain archive into a folder of the host that only root reads; what was there is replaced. `different`: what is
 * there then is not what was sent. Idempotent.
 */
export async function unpackIdentity(
  host: Host,
  { folder, archive, files }: { folder: string; archive: Buffer; files: ReadonlyMap<string, Buffer> },
  options: ToolOptions = {},
): Promise<{ type: 'unpacked' } | { type: 'different' } | Unexpected> {
  const common = { timeoutMs: TIMEOUT_MS, ...withSignal(options) };
  for (const argv of [
    ['rm', '-rf', '--', folder],
    ['install', '-d', '-m', '700', '--', folder],
  ]) {
    const result = await host.run(argv, common);
    if (result.exitCode !== 0) return unexpected(argv[0] ?? '', { argv, result });
  }
  const argv = ['tar', '--extract', '--no-same-owner', `--directory=${folder}`];
  const unpacked = await host.run(argv, { ...common, input: archive });
  if (unpacked.exitCode !== 0) return unexpected('tar', { argv, result: unpacked });
  const sums = ['sha256sum', '--', ...IDENTITY_FILES.map((name) => `${folder}/${name}`)];
  const result = await host.run(sums, common);
  if (result.exitCode !== 0) return unexpected('sha256sum', { argv: sums, result });
  const there = result.stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(0, 64)]));
  const sent = IDENTITY_FILES.map((name) => sha256(files.get(name) ?? Buffer.alloc(0)));
  return there.join() === sent.join() ? { type: 'unpacked' } : { type: 'different' };
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
