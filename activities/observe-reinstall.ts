import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import type {
  DiskState,
  HostState,
  LabelState,
  LayoutDevice,
  ReinstallObservation,
  ReinstallScope,
} from '../plan/reinstall.ts';
import { zpoolOf } from '../plan/rejoin.ts';
import { createDisks, type Disks } from '../tools/block-devices.ts';
import { diskLayout } from '../tools/disk-layout.ts';
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
  const zpools = Object.values(fleet.cluster.pools).flatMap((pool) =>
    pool.type === 'zfs' ? zpoolOf(pool.dataset) : [],
  );
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
    zpools: [...new Set(zpools)],
    ownHostKey: hostKey !== undefined,
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
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
  const found = await foundHost(deps, fleet, ref.member, signal);
  if (found.state.type !== 'installer' || found.host === undefined)
    return { host: found.state, layout: { type: 'devices', devices: [] } };
  const disks = createDisks(found.host, { signal });
  const layout = await layoutOn(deps, ref, attribute, disks, signal);
  const devices = layout.type === 'devices' ? layout.devices : [];
  const { labels, zdb } = await labelsOf(disks, found.state.disks, devices);
  return { host: { ...found.state, labels, zdb }, layout };
}

/** By the member's own key, and where another machine answers, by the installer's. */
export async function foundHost(
  deps: Pick<Deps, 'machines'>,
  fleet: Fleet,
  member: string,
  signal: AbortSignal,
): Promise<{ state: HostState; host?: Host }> {
  const own = await stateOf(deps.machines.member(fleet, member), signal);
  const installer = installerHost(deps, fleet, member);
  return own.state.type === 'refused' && installer !== undefined ? stateOf(installer, signal) : own;
}

async function stateOf(host: Host, signal: AbortSignal): Promise<{ state: HostState; host: Host }> {
  try {
    return { host, state: await again(() => askedOf(host, signal), signal) };
  } catch (error) {
    if (signal.aborted || !(error instanceof HostError)) throw error;
    const type = error.type === 'Refused' ? 'refused' : 'away';
    return { host, state: { type, problem: error.message } };
  }
}

async function askedOf(host: Host, signal: AbortSignal): Promise<HostState> {
  const system = await operatingSystem(host, { signal });
  if (system.type === 'unexpected') throw toolFailure(`The system of ${host.name}`, system);
  if (system.type === 'unknown') return { type: 'other', name: 'its /etc/os-release names none' };
  if (system.id !== 'nixos') return { type: 'other', name: system.name };
  if (!system.isInstaller) return { type: 'installed', system: await systemStateOf(host, { signal }) };
  const boot = await createSystemd(host, { signal }).bootId();
  if (boot.type !== 'boot') throw toolFailure(`The boot of ${host.name}`, boot);
  const listed = await createDisks(host, { signal }).list();
  if (listed.type !== 'devices') throw toolFailure(`The disks of ${host.name}`, listed);
  return { type: 'installer', name: system.name, bootId: boot.id, disks: listed.devices, labels: [], zdb: true };
}

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
