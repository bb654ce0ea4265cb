import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Unknown, type Call } from '../core/call.ts';
import type { Disk } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { replaceLink } from '../nix/profile.ts';

const GB = 1_000_000_000;
const COLUMNS = 'NAME,PATH,TYPE,FSTYPE,LABEL,PARTLABEL,MODEL,SERIAL,WWN,SIZE';

/** The disk that a system is on. */
export const systemDisk = (machine: string): Disk => ({
  ...{ path: '/dev/sda', sizeBytes: 250 * GB, serial: `SYSTEM-${machine}` },
  parts: [
    { path: '/dev/sda1', sizeBytes: GB, fstype: 'vfat', label: 'BOOT' },
    { path: '/dev/sda2', sizeBytes: 249 * GB, fstype: 'ext4', label: 'nixos' },
  ],
});

/** One that a zpool is on. */
export const poolDisk = (machine: string, letter: string, pool: string): Disk => ({
  ...{ path: `/dev/sd${letter}`, sizeBytes: 500 * GB, serial: `${pool.toUpperCase()}-${machine}` },
  parts: [
    { path: `/dev/sd${letter}1`, sizeBytes: 499 * GB, fstype: 'zfs_member', label: pool },
    { path: `/dev/sd${letter}9`, sizeBytes: 8 * 1024 * 1024 },
  ],
});

/** As udev calls it. */
export const nameOfDisk = (serial: string): string => `/dev/disk/by-id/ata-${serial}`;

/** `/dev/disk/by-id` of a machine, for whoever follows its links. */
export function writeDisks(root: string, disks: readonly Disk[]): void {
  rmSync(join(root, 'dev'), { recursive: true, force: true });
  mkdirSync(join(root, 'dev'), { recursive: true });
  for (const { path, serial } of disks) {
    writeFileSync(join(root, path), '');
    if (serial !== undefined) replaceLink(join(root, nameOfDisk(serial)), join(root, path));
  }
}

/** `lsblk --json --tree --bytes --output …`. */
export function lsblk(call: Call): number {
  if (call.args.join(' ') !== `--json --tree --bytes --output ${COLUMNS}`)
    throw new Unknown(`expected --json --tree --bytes --output ${COLUMNS}`);
  const disks = machineOf(call.store.read(), call.machine).disks ?? [];
  call.out(`${JSON.stringify({ blockdevices: disks.map((disk) => listed(disk, 'disk')) }, null, 3)}\n`);
  return 0;
}

function listed({ path, sizeBytes, parts, ...disk }: Disk, type: 'disk' | 'part'): object {
  return {
    name: path.slice('/dev/'.length),
    ...{ path, type, fstype: disk.fstype ?? null, label: disk.label ?? null, partlabel: null },
    ...{ model: null, serial: disk.serial ?? null, wwn: null, size: sizeBytes },
    ...(parts === undefined ? {} : { children: parts.map((part) => listed(part, 'part')) }),
  };
}

/** `zdb -l DEVICE`. */
export function zdb(call: Call): number {
  const [option, path = '', ...rest] = call.args;
  if (option !== '-l' || rest.length > 0) throw new Unknown('expected -l DEVICE');
  const disks = machineOf(call.store.read(), call.machine).disks ?? [];
  const device = withParts(disks).find((each) => each.path === path);
  if (device === undefined) throw new Unknown(`expected a device of ${call.machine}`);
  const pools = poolsOf(device);
  for (const pool of pools)
    call.out(`${RULE}LABEL 0 \n${RULE}    version: 5000\n    name: '${pool}'\n    pool_guid: 1\n`);
  if (pools.length > 0) return 0;
  call.out([0, 1, 2, 3].map((label) => `failed to unpack label ${label}\n`).join(''));
  return NO_LABEL;
}

const RULE = `${'-'.repeat(36)}\n`;
const NO_LABEL = 2;

export const withParts = (disks: readonly Disk[]): Disk[] =>
  disks.flatMap((disk) => [disk, ...withParts(disk.parts ?? [])]);

export const poolsOf = ({ fstype, label, oldLabels = [] }: Disk): string[] => [
  ...(fstype === 'zfs_member' && label !== undefined ? [label] : []),
  ...oldLabels,
];
