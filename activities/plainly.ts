import type { Host } from '../hosts/host.ts';
import { failure } from './failure.ts';

const TIMEOUT_MS = 30_000;

/** A small program whose only answer is that it worked. Fails as NotRun with what it said. */
export async function plainly(host: Host, argv: readonly string[], signal: AbortSignal): Promise<void> {
  const { exitCode, stderr } = await host.run(argv, { timeoutMs: TIMEOUT_MS, signal });
  if (exitCode !== 0) throw failure('NotRun', `${argv.join(' ')} on ${host.name}: ${stderr.trim()}`);
}
