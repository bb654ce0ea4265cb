import type { Host } from '../hosts/host.ts';
import { unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A network file system that is away would hang for longer. */
const TIMEOUT_MS = 20_000;

export interface DiskSpace {
  path: string;
  /** Per cent of the file system, as df rounds it. */
  usedPercent: number;
  availableBytes: number;
}

/** Space of the file systems that hold these paths, in their order. */
export async function diskSpace(
  host: Host,
  paths: readonly string[],
  options: ToolOptions = {},
): Promise<{ type: 'space'; disks: DiskSpace[] } | Unexpected> {
  const argv = ['df', '-Pk', '--', ...paths];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  const lines = result.stdout.trimEnd().split('\n').slice(1);
  const disks = lines.flatMap((line, index): DiskSpace[] => {
    const [, available, percent] = /\s(\d+)\s+(\d+)%\s+\//.exec(line) ?? [];
    const path = paths[index];
    if (available === undefined || percent === undefined || path === undefined) return [];
    return [{ path, usedPercent: Number(percent), availableBytes: Number(available) * 1024 }];
  });
  if (result.exitCode !== 0 || disks.length !== paths.length) return unexpected('df', { argv, result });
  return { type: 'space', disks };
}
