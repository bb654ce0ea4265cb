import { z } from 'zod';
import type { Host } from '../hosts/host.ts';
import { readJson, tail, unexpected, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** The whole configuration of a host is evaluated, and what its flake needs is fetched before. */
const TIMEOUT_MS = 15 * 60_000;

/** disko's shape: `disk.<name>.device`. */
const DEVICES = 'disks: builtins.mapAttrs (name: disk: disk.device) disks';

const devicesSchema = z.record(z.string(), z.string());

export type DiskLayout =
  | { type: 'devices'; devices: { name: string; device: string }[] }
  | { type: 'not evaluated'; log: string }
  | Unexpected;

/** The disks that an installation erases, as the flake declares them. `host`: the worker's own machine. */
export async function diskLayout(
  host: Host,
  { flakeRef, attribute }: { flakeRef: string; attribute: string },
  options: ToolOptions = {},
): Promise<DiskLayout> {
  const argv = ['nix', 'eval', '--json', `${flakeRef}#${attribute}`, '--apply', DEVICES];
  const result = await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  if (result.exitCode !== 0) {
    const start = result.stderr.search(/^\s*error:/m);
    return start < 0
      ? unexpected('nix', { argv, result })
      : { type: 'not evaluated', log: tail(result.stderr.slice(start)) };
  }
  const read = readJson('nix', { argv, result }, devicesSchema);
  if (read.type !== 'json') return read;
  return {
    type: 'devices',
    devices: Object.entries(read.value).map(([name, device]) => ({ name, device })),
  };
}
