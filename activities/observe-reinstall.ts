import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import type { SystemState } from '../plan/observation.ts';
import type { DiskState, LabelState } from '../plan/reinstall-disks.ts';
import type { HostState, LayoutDevice, ReinstallObservation, ReinstallScope } from '../plan/reinstall.ts';
import { zpoolOf } from '../plan/rejoin.ts';
import { createDisks, type Disks } from '../tools/block-devices.ts';
import { diskLayout } from '../tools/disk-layout.ts';
import { createIncus } from '../tools/incus.ts';
import { operatingSystem } from '../tools/os-release.ts';
import { createSystemd } from '../tools/systemd.ts';
import { again } from './again.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { deployTargetOf } from './scope.ts';
import { systemStateOf } from './system-state.ts';

type Ref = RunRef & { member: string };

/** What the fleet file says of the member. Fails as BadConfig where that is not enough. */
export async function reinstallScope(
  deps: Pick<Deps, 'fleetAt' | 'flakeAt'>,
  ref: Pick<Ref, 'fleet' | 'member'>,
): Promise<ReinstallScope> {
  const fleet = await deps.fleetAt(ref.fleet);
  const { member } = ref;
  const declared = fleet.members[member];
  if (declared === undefined) throw failure('BadConfig', `runbook.yaml declares no member ${member}.`);
  if (fleet.cluster === undefined)
    throw failure('BadConfig', 'runbook.yaml has no `cluster`: it says which pools must not be erased.');
  const { node } = deployTargetOf(fleet, member);
  const values: Record<string, string> = {
    flake: await deps.flakeAt(ref.fleet),
    ...{ node, address: declared.address, user: declared.ssh.user, port: String(declared.ssh.port) },
  };
  const { command, layout, hostKey } = declared.reinstall ?? {};
  const filled = command?.map((word) => word.replaceAll(/\{([a-z]+)\}/g, (all, key: string) => values[key] ?? all));
  return {
    member,
    ...(filled === undefined ? {} : { command: filled }),
    layout: layout ?? `nixosConfigurations."${node}".config.disko.devices.disk`,
    zpools: dataPools(fleet, member),
    ownHostKey: hostKey !== undefined,
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
}

/** Where instances and volumes are, and where replicas of other members' volumes are. */
function dataPools({ cluster, backups }: Fleet, member: string): string[] {
  const own = Object.values(cluster?.pools ?? {}).flatMap((pool) => (pool.type === 'zfs' ? pool.dataset : []));
  const replicas = Object.values(backups)
    .flatMap(({ to }) => to)
    .flatMap((target) => (target.type === 'zfs' && target.member === member ? target.dataset : []));
  return [...new Set([...own, ...replicas].map(zpoolOf))];
}

/** The host as an installer may be reached: by the key that is declared for it. */
export function installerHost(deps: Pick<Deps, 'machines'>, fleet: Fleet, member: string): Host | undefined {
  const declared = fleet.members[member];
  const hostKey = declared?.reinstall?.hostKey;
  if (declared === undefined || hostKey === undefined) return undefined;
  const other = { ...declared, ssh: { ...declared.ssh, hostKey } };
  return deps.machines.member({ ...fleet, members: { ...fleet.members, [member]: other } }, member);
}

/** What the host is, which disks it has, and which of them the layout names. Changes nothing. */
export async function observeReinstall(
  deps: Deps,
  ref: Ref,
  { signal }: Pick<ActivityContext, 'signal'>,
): Promise<ReinstallObservation> {
  const fleet = await deps.fleetAt(ref.fleet);
  const { layout: attribute } = await reinstallScope(deps, ref);
  const { host, found } = await foundHost(deps, fleet, ref.member, signal);
  const layout = { type: 'not asked' } as const;
  if (found.type === 'installed') return { host: { ...found, incus: await incusOf(host, signal) }, layout };
  if (found.type === 'refused') return { host: { type: 'refused', problem: found.problem }, layout };
  if (found.type !== 'installer') return { host: found, layout };
  const disks = createDisks(host, { signal });
  const listed = await disks.list();
  if (listed.type !== 'devices') throw toolFailure(`The disks of ${host.name}`, listed);
  const asked = await layoutOn(deps, ref, attribute, disks, signal);
  const devices = asked.type === 'devices' ? asked.devices : [];
  const labelled = await labelsOf(disks, listed.devices, devices);
  return { host: { ...found, disks: listed.devices, ...labelled }, layout: asked };
}

/** What answers at the member's address. */
export type Found =
  | { type: 'installer'; name: string; bootId: string }
  | { type: 'installed'; system: SystemState }
  | Extract<HostState, { type: 'other' | 'away' }>
  /** `isInstalled`: by another host key than its own, which does not change by itself. */
  | { type: 'refused'; problem: string; isInstalled?: true };

/** By the member's own key, and where another machine answers, by the installer's: for an installer only. */
export async function foundHost(
  deps: Pick<Deps, 'machines'>,
  fleet: Fleet,
  member: string,
  signal: AbortSignal,
): Promise<{ host: Host; found: Found }> {
  const host = deps.machines.member(fleet, member);
  const own = { host, found: await askedOf(host, signal) };
  const other = installerHost(deps, fleet, member);
  if (own.found.type !== 'refused' || other === undefined) return own;
  const found = await askedOf(other, signal);
  if (found.type !== 'installed') return { host: other, found };
  const problem = `It is installed, and has the host key of members.${member}.reinstall.hostKey instead of the one of ssh.hostKey`;
  return { host: other, found: { type: 'refused', problem, isInstalled: true } };
}

/** What cannot be had is part of the answer. */
async function askedOf(host: Host, signal: AbortSignal): Promise<Found> {
  try {
    return await again(() => systemOf(host, signal), signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError)) throw error;
    return { type: error.type === 'Refused' ? 'refused' : 'away', problem: error.message };
  }
}

async function systemOf(host: Host, signal: AbortSignal): Promise<Found> {
  const system = await operatingSystem(host, { signal });
  if (system.type === 'unexpected') throw toolFailure(`The system of ${host.name}`, system);
  if (system.type === 'unknown') return { type: 'other', name: 'its /etc/os-release names none' };
  if (system.id !== 'nixos') return { type: 'other', name: system.name };
  if (!system.isInstaller) return { type: 'installed', system: await systemStateOf(host, { signal }) };
  const boot = await createSystemd(host, { signal }).bootId();
  if (boot.type !== 'boot') throw toolFailure(`The boot of ${host.name}`, boot);
  return { type: 'installer', name: system.name, bootId: boot.id };
}

/** Of a host that is installed. What was installed need not have Incus before it was deployed to. */
async function incusOf(host: Host, signal: AbortSignal): Promise<'alone' | 'member' | 'unknown'> {
  try {
    const identity = await again(() => createIncus(host, { signal }).identity(), signal);
    if (identity.type === 'identity') return identity.clustered ? 'member' : 'alone';
    return identity.type === 'unexpected' && identity.exitCode === NOT_FOUND ? 'alone' : 'unknown';
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError)) throw error;
    return error.type === 'NotRun' ? 'alone' : 'unknown';
  }
}

/** The shell's exit code for a program that is not there. */
const NOT_FOUND = 127;

async function layoutOn(
  deps: Deps,
  ref: Ref,
  attribute: string,
  disks: Disks,
  signal: AbortSignal,
): Promise<ReinstallObservation['layout']> {
  const layout = await diskLayout(deps.local, { flakeRef: await deps.flakeAt(ref.fleet), attribute }, { signal });
  if (layout.type === 'not evaluated') return { type: 'problem', message: layout.log };
  if (layout.type === 'unexpected') return { type: 'problem', message: layout.output };
  const devices: LayoutDevice[] = [];
  for (const { name, device } of layout.devices) {
    if (!device.startsWith('/')) return { type: 'problem', message: `${name}.device is no path: ${device}` };
    const resolved = await disks.resolve(device);
    if (resolved.type === 'unexpected') throw toolFailure(`Where ${device} leads`, resolved);
    devices.push({ name, device, ...(resolved.type === 'path' ? { path: resolved.path } : {}) });
  }
  return { type: 'devices', devices };
}

/** What ZFS itself says of every part of the disks that the layout names. */
async function labelsOf(
  disks: Disks,
  all: readonly DiskState[],
  devices: readonly LayoutDevice[],
): Promise<{ labels: LabelState[]; zdb: boolean }> {
  const everything = (disk: DiskState): DiskState[] => [disk, ...disk.children.flatMap(everything)];
  const named = all
    .map(everything)
    .filter((parts) => parts.some(({ path }) => devices.some((each) => each.path === path)));
  const labels: LabelState[] = [];
  for (const path of new Set(named.flat().map((part) => part.path))) {
    const label = await disks.zfsLabel(path);
    if (label.type === 'no zdb') return { labels, zdb: false };
    if (label.type === 'unexpected') throw toolFailure(`Labels of ZFS on ${path}`, label);
    if (label.type === 'label') labels.push({ path, pools: label.pools });
  }
  return { labels, zdb: true };
}
