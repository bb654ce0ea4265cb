import { asSentence } from './sentence.ts';
import type { Gate } from './gates.ts';
import type { SystemState } from './observation.ts';
import type { StepView } from './run.ts';

/** How a member is installed anew: what is looked at, what has to hold, what a person is asked. Pure. */

/** What the fleet file says at the run's revision. */
export interface ReinstallScope {
  member: string;
  /** As the declared command is, its placeholders filled in; undefined where none is declared. */
  command?: string[];
  /** Attribute of the flake with the disks. */
  layout: string;
  /** The zpools that outlive an installation. */
  zpools: string[];
  /** The installer has a host key of its own. */
  ownHostKey: boolean;
  approvalTimeout: string;
}

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

/** A device of the layout. */
export interface LayoutDevice {
  /** As the layout calls it, and as it writes the device. */
  name: string;
  device: string;
  /** Where that leads on the host; undefined where there is no such device. */
  path?: string;
}

/** Labels of ZFS on a device, asked of itself. No pool: that of a spare or a cache, which name none. */
export interface LabelState {
  path: string;
  pools: string[];
}

export type HostState =
  | { type: 'installer'; bootId: string; name: string; disks: DiskState[]; labels: LabelState[]; zdb: boolean }
  | { type: 'installed'; system: SystemState }
  | { type: 'other'; name: string }
  | { type: 'away'; problem: string }
  /** Its host key is not a declared one, or it does not let us in. */
  | { type: 'refused'; problem: string };

export interface ReinstallObservation {
  host: HostState;
  layout: { type: 'devices'; devices: LayoutDevice[] } | { type: 'problem'; message: string };
}

export interface ErasedDisk {
  path: string;
  /** What the device is known by: a yes is for this one only. */
  identity: string;
  /** For a person: model, serial, size, and what is on it. */
  what: string;
}

type Name = 'host' | 'command' | 'layout' | 'disks' | 'pool';
export type ReinstallGate = Omit<Gate, 'name'> & { name: Name };

export interface ReinstallPlan {
  /** `install`: the host answers as an installer. `installed`: as a system that is installed. `none`: as neither. */
  mode: 'install' | 'installed' | 'none';
  gates: ReinstallGate[];
  refusals: ReinstallGate[];
  /** Disks that the command erases, whole. */
  erased: ErasedDisk[];
  /** What stays: each disk as a line. */
  kept: string[];
  steps: StepView[];
}

const passed = (name: Name, message: string): ReinstallGate => ({ name, verdict: 'passed', message });
const refused = (name: Name, message: string, whatToDo: string): ReinstallGate => ({
  name,
  verdict: 'refused',
  message,
  whatToDo,
});

/** Whether the member may be installed anew, and what that erases. */
export function planReinstall(scope: ReinstallScope, observation: ReinstallObservation): ReinstallPlan {
  const { host } = observation;
  if (host.type === 'installed') return { mode: 'installed', gates: [], refusals: [], erased: [], kept: [], steps: [] };
  const gates = [hostGate(scope, observation), commandGate(scope)];
  const devices = observation.layout.type === 'devices' ? observation.layout.devices : [];
  const disks = host.type === 'installer' ? host.disks : [];
  const erased = disks.filter((disk) => devices.some(({ path }) => path !== undefined && isTouched(disk, path, disks)));
  gates.push(layoutGate(scope, observation));
  if (host.type === 'installer') {
    if (observation.layout.type === 'devices') gates.push(disksGate(scope, devices, disks));
    gates.push(...poolGates(scope, host, erased));
  }
  return {
    mode: host.type === 'installer' ? 'install' : 'none',
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    erased: erased.map((disk) => ({ path: disk.path, identity: identityOf(disk), what: describeDisk(disk) })),
    kept: disks.filter((disk) => !erased.includes(disk) && isOfInterest(disk)).map(lineOf),
    steps: host.type === 'installer' ? reinstallSteps(scope.member) : [],
  };
}

export const reinstallSteps = (member: string): StepView[] =>
  [
    { id: 'reinstall', title: `install ${member} anew` },
    { id: 'installed', title: `${member} answers as installed` },
  ].map((step) => ({ ...step, phase: 'install', state: 'pending' }));

function hostGate({ member, ownHostKey }: ReinstallScope, { host }: ReinstallObservation): ReinstallGate {
  switch (host.type) {
    case 'installer':
      return passed('host', `${member} answers as an installer: ${host.name}.`);
    case 'installed':
      return passed('host', `${member} is installed: ${host.system.nixosVersion}.`);
    case 'other':
      return refused(
        'host',
        `${member} is neither an installer nor NixOS: ${host.name}.`,
        'Boot it from an image of the NixOS installer.',
      );
    case 'away':
      return refused(
        'host',
        `${member} does not answer: ${asSentence(host.problem)}`,
        'Boot it from an image of the NixOS installer that lets the worker’s ssh key in at the member’s address.',
      );
    case 'refused':
      return refused(
        'host',
        `${member} answers, and is not known: ${asSentence(host.problem)}`,
        ownHostKey
          ? `Compare members.${member}.reinstall.hostKey with the key that the host’s own screen shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), and see that it lets the worker’s ssh key in.`
          : `Put a host key of your own into the installer’s image and its public half into members.${member}.reinstall.hostKey. A key that only the network tells is not accepted.`,
      );
  }
}

const commandGate = ({ member, command }: ReinstallScope): ReinstallGate =>
  command === undefined
    ? refused(
        'command',
        `No command is declared that installs ${member}.`,
        `Declare members.${member}.reinstall.command in runbook.yaml, or install it by hand.`,
      )
    : passed('command', `It is installed by ${command[0] ?? ''}.`);

function layoutGate({ layout: attribute }: ReinstallScope, { layout, host }: ReinstallObservation): ReinstallGate {
  const mend = 'Correct the disk layout in the flake, or reinstall.layout in runbook.yaml, commit, and start again.';
  if (layout.type === 'problem')
    return refused(
      'layout',
      `The disk layout could not be read from ${attribute}: ${asSentence(layout.message)}`,
      mend,
    );
  if (layout.devices.length === 0) return refused('layout', `The disk layout ${attribute} names no disk.`, mend);
  const missing = host.type === 'installer' ? layout.devices.filter(({ path }) => path === undefined) : [];
  if (missing.length > 0)
    return refused(
      'layout',
      `The disk layout names what is not there: ${missing.map(({ name, device }) => `${name} (${device})`).join(', ')}.`,
      mend,
    );
  return passed('layout', `The disk layout names ${layout.devices.map(({ device }) => device).join(', ')}.`);
}

function disksGate(
  { member }: ReinstallScope,
  devices: readonly LayoutDevice[],
  disks: readonly DiskState[],
): ReinstallGate {
  const all = disks.flatMap(everything);
  const strange = devices.filter(({ path }) => path !== undefined && !all.some((disk) => disk.path === path));
  if (strange.length > 0)
    return refused(
      'disks',
      `The disk layout names what is no disk of ${member}: ${strange.map(({ device, path }) => `${device} (${path ?? ''})`).join(', ')}.`,
      'Let the layout name a disk, best by /dev/disk/by-id.',
    );
  return passed('disks', 'Every device of the layout is there.');
}

/** The pools that have to outlive it: seen at all, and not where the layout erases. */
function poolGates(
  { member, zpools }: ReinstallScope,
  { disks, labels, zdb }: HostState & { type: 'installer' },
  erased: readonly DiskState[],
): ReinstallGate[] {
  const labelled = (device: DiskState): string[] => poolsOn(device, labels);
  return [
    ...zpools.map((pool): ReinstallGate => {
      const holders = disks.filter((disk) => labelled(disk).includes(pool));
      const lost = holders.filter((disk) => erased.includes(disk));
      if (lost.length > 0)
        return refused(
          'pool',
          `The disk layout names a disk of the data pool ${pool}: ${lost.map(lineOf).join('; ')}.`,
          'Nothing may erase it. Let the layout name the system’s own disk only.',
        );
      if (holders.length === 0)
        return refused(
          'pool',
          `No disk of the data pool ${pool} is to be seen on ${member}.`,
          'Connect its disks, and let the installer load what they need. Without them nobody can tell what would be erased.',
        );
      return passed('pool', `The data pool ${pool} stays, on ${holders.map(({ path }) => path).join(', ')}.`);
    }),
    ...erased
      .filter((disk) => hasNameless(disk, labels))
      .map((disk) =>
        refused(
          'pool',
          `${lineOf(disk)} belongs to a pool of ZFS that it does not name, as a cache or a spare does.`,
          'Look which with zdb -l there. If it is needed no more: zpool labelclear -f that device.',
        ),
      ),
    ...(zdb || erased.length === 0
      ? []
      : [
          {
            name: 'pool',
            verdict: 'warning',
            message: 'The installer has no zdb: labels of ZFS under a newer partition table are not seen.',
          } as const,
        ]),
  ];
}

const everything = (disk: DiskState): DiskState[] => [disk, ...disk.children.flatMap(everything)];

/** Whether something that is done to `path` is done to this disk: it is that, lies on it, or is the same by another way. */
function isTouched(disk: DiskState, path: string, disks: readonly DiskState[]): boolean {
  const holds = (each: DiskState): boolean => everything(each).some((device) => device.path === path);
  if (holds(disk)) return true;
  return disk.wwn !== undefined && disks.some((other) => other.wwn === disk.wwn && holds(other));
}

function poolsOn(disk: DiskState, labels: readonly LabelState[]): string[] {
  return everything(disk).flatMap(({ path, fstype, label }) => [
    ...(fstype === 'zfs_member' && label !== undefined ? [label] : []),
    ...labels.flatMap((each) => (each.path === path ? each.pools : [])),
  ]);
}

function hasNameless(disk: DiskState, labels: readonly LabelState[]): boolean {
  return everything(disk).some(({ path, fstype, label }) => {
    const own = labels.filter((each) => each.path === path);
    if (own.some(({ pools }) => pools.length === 0)) return true;
    return fstype === 'zfs_member' && label === undefined && own.length === 0;
  });
}

/** What a yes was given for: another disk under the same name is another one. */
const identityOf = ({ path, model, serial, wwn, sizeBytes }: DiskState): string =>
  [path, model ?? '', serial ?? '', wwn ?? '', sizeBytes].join(' ');

const lineOf = (disk: DiskState): string => `${disk.path} (${describeDisk(disk)})`;

function describeDisk(disk: DiskState): string {
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
const isOfInterest = ({ type, sizeBytes }: DiskState): boolean => sizeBytes > 0 && !['loop', 'rom'].includes(type);

function sizeOf(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const number = bytes / 1000 ** power;
  return `${number < 10 && power > 0 ? number.toFixed(1) : Math.round(number)} ${units[power] ?? ''}`;
}

/** What is asked before a member is installed anew. */
export function reinstallQuestion(
  { member, command }: ReinstallScope,
  { erased, kept }: ReinstallPlan,
): {
  question: string;
  consequences: string[];
} {
  return {
    question: `Install ${member} anew, and erase ${erased.map(({ path }) => path).join(', ')}?`,
    consequences: [
      `Yes: ${(command ?? []).join(' ')}`,
      ...erased.map(({ path, what }) => `Erased, for good: ${path} (${what}).`),
      kept.length === 0 ? 'It has no other disk.' : `Stays: ${kept.join('; ')}.`,
      'No, or no answer in time: nothing is changed.',
    ],
  };
}
