import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** `id` asks the user database, which may be on the network. */
const TIMEOUT_MS = 15_000;

/** As whom commands run on a host: 0 is root. */
export async function userId(host: Host, options: ToolOptions = {}): Promise<{ type: 'id'; uid: number } | Unexpected> {
  const argv = ['id', '-u'];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  const text = result.stdout.trim();
  if (result.exitCode !== 0 || !/^\d+$/.test(text)) return unexpected('id', { argv, result });
  return { type: 'id', uid: Number(text) };
}
