import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const FILE = '/etc/os-release';

export interface OperatingSystem {
  type: 'system';
  /** `nixos`, `debian` … */
  id: string;
  /** `NixOS 25.05 (Warbler)` */
  name: string;
  /** The image that a host is installed from, by its variant: so nixos-anywhere tells it as well. */
  isInstaller: boolean;
}

/** What runs there, as it says of itself. */
export async function operatingSystem(
  host: Host,
  options: ToolOptions = {},
): Promise<OperatingSystem | { type: 'unknown' } | Unexpected> {
  const argv = ['cat', FILE];
  const result = await host.run(argv, { timeoutMs: 20_000, ...withSignal(options) });
  if (result.exitCode !== 0)
    return /: No such file or directory$/m.test(result.stderr)
      ? { type: 'unknown' }
      : unexpected('cat', { argv, result });
  const value = (key: string): string | undefined =>
    result.stdout
      .split('\n')
      .find((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1)
      .replace(/^(["'])(.*)\1$/, '$2');
  const id = value('ID');
  if (id === undefined || id === '') return { type: 'unknown' };
  return {
    type: 'system',
    id,
    name: value('PRETTY_NAME') ?? id,
    isInstaller: id === 'nixos' && value('VARIANT_ID') === 'installer',
  };
}
