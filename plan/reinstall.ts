import { gateWords, type GateOf } from './gate-words.ts';
import type { SystemState } from './observation.ts';
import {
  describeDisk,
  everything,
  hasNameless,
  identityOf,
  isOfInterest,
  isTouched,
  labelsOn,
  lineOf,
  poolsOn,
  type DiskState,
  type LabelState,
} from './reinstall-disks.ts';
import type { StepView } from './run.ts';
import { asSentence } from './sentence.ts';

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

/** A device of the layout. */
export interface LayoutDevice {
  /** As the layout calls it, and as it writes the device. */
  name: string;
  device: string;
  /** Where that leads on the host; undefined where there is no such device. */
  path?: string;
}

export type HostState =
  | { type: 'installer'; bootId: string; name: string; disks: DiskState[]; labels: LabelState[]; zdb: boolean }
  /** `member`: its Incus is in a cluster; `unknown`: that could not be asked. */
  | { type: 'installed'; system: SystemState; incus: 'alone' | 'member' | 'unknown' }
  | { type: 'other'; name: string }
  | { type: 'away'; problem: string }
  /** Its host key is not a declared one, or it does not let us in. */
  | { type: 'refused'; problem: string };

export interface ReinstallObservation {
  host: HostState;
  /** Asked for an installer only. */
  layout: { type: 'devices'; devices: LayoutDevice[] } | { type: 'problem'; message: string } | { type: 'not asked' };
}

export interface ErasedDisk {
  path: string;
  /** What the device is known by: a yes is for this one only. */
  identity: string;
  /** For a person: model, serial, size, and what is on it. */
  what: string;
}

type Name = 'host' | 'command' | 'layout' | 'disks' | 'pool';
export type ReinstallGate = GateOf<Name>;

export interface ReinstallPlan {
  /** `install`: the host answers as an installer. `installed`: as a system that no cluster has yet. `none`: as neither. */
  mode: 'install' | 'installed' | 'none';
  gates: ReinstallGate[];
  refusals: ReinstallGate[];
  /** Disks that the command erases, whole. */
  erased: ErasedDisk[];
  /** What stays: each disk as a line. */
  kept: string[];
  steps: StepView[];
}

const { passed, warning, refused } = gateWords<Name>();

/** Whether the member may be installed anew, and what that erases. */
export function planReinstall(scope: ReinstallScope, observation: ReinstallObservation): ReinstallPlan {
  const { host } = observation;
  if (host.type === 'installed') return planInstalled(scope, observation);
  const gates = [hostGate(scope, observation), commandGate(scope)];
  const devices = observation.layout.type === 'devices' ? observation.layout.devices : [];
  const disks = host.type === 'installer' ? host.disks : [];
  const erased = disks.filter((disk) => devices.some(({ path }) => path !== undefined && isTouched(disk, path, disks)));
  if (host.type === 'installer') {
    gates.push(layoutGate(scope, observation.layout));
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

/** Nothing is erased: it is deployed to where it does not run its configuration yet, unless it does a member's work. */
function planInstalled(scope: ReinstallScope, observation: ReinstallObservation): ReinstallPlan {
  const gates = [hostGate(scope, observation)];
  const refusals = gates.filter(({ verdict }) => verdict === 'refused');
  return { mode: refusals.length > 0 ? 'none' : 'installed', gates, refusals, erased: [], kept: [], steps: [] };
}

const reinstallSteps = (member: string): StepView[] =>
  [
    { id: 'reinstall', title: `install ${member} anew` },
    { id: 'installed', title: `${member} answers as installed` },
  ].map((step) => ({ ...step, phase: 'install', state: 'pending' }));

function hostGate({ member, ownHostKey }: ReinstallScope, { host }: ReinstallObservation): ReinstallGate {
  switch (host.type) {
    case 'installer':
      return passed('host', `${member} answers as an installer: ${host.name}.`);
    case 'installed':
      if (host.incus === 'alone') return passed('host', `${member} is installed: ${host.system.nixosVersion}.`);
      return refused(
        'host',
        host.incus === 'member'
          ? `${member} is installed, and its Incus is in a cluster.`
          : `${member} is installed, and its Incus does not tell whether it is in a cluster.`,
        `To deploy to it: runbook start safe-upgrade --node ${member}. To install it anew, boot it from an installer.`,
      );
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

function layoutGate({ layout: attribute }: ReinstallScope, layout: ReinstallObservation['layout']): ReinstallGate {
  const mend = 'Correct the disk layout in the flake, or reinstall.layout in runbook.yaml, commit, and start again.';
  if (layout.type !== 'devices') {
    const why = layout.type === 'problem' ? layout.message : 'it was not asked for';
    return refused('layout', `The disk layout could not be read from ${attribute}: ${asSentence(why)}`, mend);
  }
  if (layout.devices.length === 0) return refused('layout', `The disk layout ${attribute} names no disk.`, mend);
  const missing = layout.devices.filter(({ path }) => path === undefined);
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

/** A label that an earlier use has left is as bad: disko destroys the pool that it names, wherever that is. */
function lostGate(
  pool: string,
  lost: readonly DiskState[],
  { labels, isElsewhereToo }: { labels: readonly LabelState[]; isElsewhereToo: boolean },
): ReinstallGate {
  const bearers = lost.flatMap(everything).filter((device) => labelsOn(device, labels).includes(pool));
  const paths = [...new Set(bearers.map(({ path }) => path))];
  const keep = 'Nothing may erase a data pool. Let the layout name the system’s own disk only.';
  return refused(
    'pool',
    `The disk layout names a disk of the data pool ${pool}: ${lost.map(lineOf).join('; ')}. Its label is on ${paths.join(', ')}.`,
    isElsewhereToo
      ? `${keep} If that label is an old one, and the pool on other disks only: zpool labelclear -f ${paths.join(' ')}`
      : keep,
  );
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
      if (lost.length > 0) return lostGate(pool, lost, { labels, isElsewhereToo: holders.length > lost.length });
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
      : [warning('pool', 'The installer has no zdb: labels of ZFS under a newer partition table are not seen.')]),
  ];
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
