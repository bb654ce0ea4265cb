import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A disk that wakes up takes ten seconds. */
const TIMEOUT_MS = 30_000;

/** What is directly in a folder. Throws a TypeError for a path that is not absolute. Changes nothing. */
export async function listFolder(
  host: Host,
  path: string,
  options: ToolOptions = {},
): Promise<{ type: 'entries'; names: string[] } | { type: 'none' } | Unexpected> {
  if (!path.startsWith('/')) throw new TypeError(`Expected an absolute path, got ${JSON.stringify(path)}.`);
  const argv = ['find', path, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n'];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  if (result.exitCode === 0) return { type: 'entries', names: result.stdout.split('\n').filter((name) => name !== '') };
  return /: No such file or directory$/m.test(result.stderr) ? { type: 'none' } : unexpected('find', { argv, result });
}
