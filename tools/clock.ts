import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** `date` answers at once; a first connection takes up to a second. */
const TIMEOUT_MS = 15_000;

export interface ClockSkew {
  type: 'skew';
  /** Positive: the host's clock is ahead of ours. */
  skewMs: number;
  /** The true skew is within this of it: half the time that asking took. */
  uncertaintyMs: number;
}

/** A slow answer says little about the clock: only what is certain of it counts. Milliseconds, signed like `skewMs`. */
export function certainSkewMs({ skewMs, uncertaintyMs }: Omit<ClockSkew, 'type'>): number {
  const certain = Math.max(0, Math.abs(skewMs) - uncertaintyMs);
  return skewMs < 0 ? -certain : certain;
}

/** Compares the host's clock with this machine's. `now`: milliseconds since 1970. */
export async function clockSkew(
  host: Host,
  options: ToolOptions & { now?: () => number } = {},
): Promise<ClockSkew | Unexpected> {
  const now = options.now ?? Date.now;
  const argv = ['date', '+%s.%N'];
  const before = now();
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  const after = now();
  const text = result.stdout.trim();
  if (result.exitCode !== 0 || !/^\d+\.\d{9}$/.test(text)) return unexpected('date', { argv, result });
  return { type: 'skew', skewMs: Number(text) * 1000 - (before + after) / 2, uncertaintyMs: (after - before) / 2 };
}
