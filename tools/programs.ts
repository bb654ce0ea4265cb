import { HostError, type Host } from '../hosts/host.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Programs print their version at once; nix reads its configuration first. */
const TIMEOUT_MS = 20_000;

/** The first line that a program prints of its version. `broken`: it fails even at that; `missing`: it cannot be started. */
export async function programVersion(
  host: Host,
  argv: readonly string[],
  options: ToolOptions = {},
): Promise<{ type: 'version' | 'broken'; line: string } | { type: 'missing' }> {
  try {
    // ssh prints its version on stderr.
    const { stdout, stderr, exitCode } = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
    if (exitCode === 127) return { type: 'missing' };
    const line = `${stdout}\n${stderr}`.split('\n').find((text) => text.trim() !== '');
    return { type: exitCode === 0 ? 'version' : 'broken', line: line?.trim() ?? `ended with ${exitCode}` };
  } catch (error) {
    if (error instanceof HostError && error.type === 'NotRun') return { type: 'missing' };
    throw error;
  }
}
