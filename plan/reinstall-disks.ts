/** The disks of a host as a person has to know them: what is on each, and what is the same disk by another way. Pure. */

/** A block device, and what is on it. */
export interface DiskState {
  path: string;
  type: string;
  fstype?: string;
  label?: string;
  partlabel?: string;
  model?: string;
  serial?: string;
  wwn?: string;
  sizeBytes: number;
  children: DiskState[];
}

/** Labels of ZFS on a device, asked of itself. No pool: that of a spare or a cache, which name none. */
export interface LabelState {
  path: string;
  pools: string[];
}

export const everything = (disk: DiskState): DiskState[] => [disk, ...disk.children.flatMap(everything)];

/** Whether something that is done to `path` is done to this disk: it is that, lies on it, or is the same by another way. */
export function isTouched(disk: DiskState, path: string, disks: readonly DiskState[]): boolean {
  const holds = (each: DiskState): boolean => everything(each).some((device) => device.path === path);
  if (holds(disk)) return true;
  return disk.wwn !== undefined && disks.some((other) => other.wwn === disk.wwn && holds(other));
}

export const poolsOn = (disk: DiskState, labels: readonly LabelState[]): string[] =>
  everything(disk).flatMap((device) => labelsOn(device, labels));

/** Of the device itself, not of what is on it. */
export const labelsOn = ({ path, fstype, label }: DiskState, labels: readonly LabelState[]): string[] => [
  ...(fstype === 'zfs_member' && label !== undefined ? [label] : []),
  ...labels.flatMap((each) => (each.path === path ? each.pools : [])),
];

export function hasNameless(disk: DiskState, labels: readonly LabelState[]): boolean {
  return everything(disk).some(({ path, fstype, label }) => {
    const own = labels.filter((each) => each.path === path);
    if (own.some(({ pools }) => pools.length === 0)) return true;
    return fstype === 'zfs_member' && label === undefined && own.length === 0;
  });
}

/** What a yes was given for: another disk under the same name is another one. */
export const identityOf = ({ path, model, serial, wwn, sizeBytes }: DiskState): string =>
  [path, model ?? '', serial ?? '', wwn ?? '', sizeBytes].join(' ');

export const lineOf = (disk: DiskState): string => `${disk.path} (${describeDisk(disk)})`;

export function describeDisk(disk: DiskState): string {
  const { model, serial, sizeBytes } = disk;
  const named = [model, serial === undefined ? undefined : `serial ${serial}`, sizeOf(sizeBytes)];
  const contents = [...new Set(everything(disk).flatMap(contentOf))];
  return `${named.filter((part) => part !== undefined).join(', ')}: ${contents.length === 0 ? 'nothing known' : contents.join(', ')}`;
}

function contentOf({ fstype, label, partlabel, path, children }: DiskState): string[] {
  if (fstype === undefined) return children.length === 0 && partlabel !== undefined ? [`partition ${partlabel}`] : [];
  const kind = fstype === 'zfs_member' ? 'ZFS' : fstype;
  const name = label ?? partlabel;
  return [name === undefined ? `${kind} on ${path}` : `${kind} ${JSON.stringify(name)} on ${path}`];
}

/** What nobody stores anything on is left out. */
export const isOfInterest = ({ type, sizeBytes }: DiskState): boolean =>
  sizeBytes > 0 && !['loop', 'rom'].includes(type);

function sizeOf(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const number = bytes / 1000 ** power;
  return `${number < 10 && power > 0 ? number.toFixed(1) : Math.round(number)} ${units[power] ?? ''}`;
}
