import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { connectionProblem } from '../core/reachability.ts';
import type { Disk, Machine, State } from '../core/state.ts';
import { machineOf, type Store } from '../core/store.ts';
import { emptyDatabase, installFiles } from '../incus/servers.ts';
import { materialise } from '../nix/closure-files.ts';
import { closureOf, nodeOf, parseFlakeReference, readFlake, type Closure } from '../nix/flake.ts';
import { replaceLink, setProfile } from '../nix/profile.ts';
import { findMachine } from '../ssh.ts';
import { installedUnit } from '../systemd/units.ts';
import { nameOfDisk, poolsOf, systemDisk, withParts } from './disks.ts';
import { bootSystem, powerOff } from './power.ts';

/** A member boots from an installer's image; its disks stay as they are. Call it within an update. */
export function bootInstaller(store: Store, state: State, name: string, { hostKey }: { hostKey?: string }): void {
  powerOff(store, state, name);
  const machine = machineOf(state, name);
  machine.installer ??= { units: machine.units };
  machine.units = { 'sshd.service': installedUnit('sshd.service') };
  if (hostKey !== undefined) machine.hostKey = hostKey;
  bootSystem(store, machine);
}

/**
 * `install-member --flake REFERENCE#NODE [--version VERSION] [--keep-host-key] USER@ADDRESS`: what a fleet file declares, with
 * the outside of installers like nixos-anywhere. Erases the disks of the layout, and destroys every pool that a label on them
 * names; then installs the node's system and restarts. The new host key is the member's own unless the installer's is kept.
 */
export async function installMember(call: Call): Promise<number> {
  const asked = readOptions(call.args, { flags: ['keep-host-key'], values: ['flake', 'version'] });
  const reference = parseFlakeReference(asked.value('flake') ?? '', call.cwd);
  const [node = ''] = reference.attribute;
  const declared = nodeOf(readFlake(reference), node, reference);
  const spec = { ...declared, version: asked.value('version') ?? declared.version };
  const [, address = ''] = (asked.positionals[0] ?? '').split('@');
  const state = call.store.read();
  const machine = findMachine(state, address);
  if (machine === undefined) throw new Unknown(`expected USER@ADDRESS of a member, got ${asked.positionals.join(' ')}`);
  const problem = connectionProblem(state, machine);
  if (problem !== undefined) throw new ToolError(`ssh: connect to host ${address} port 22: ${problem}`);
  if (machine.installer === undefined) throw new ToolError(`${address} runs no installer`);
  if (spec.buildError !== undefined) throw new ToolError(`error: ${spec.buildError}`);
  call.out(`installing ${spec.version} to ${Object.values(spec.disks ?? {}).join(' ')}\n`);
  await call.update((now) => {
    install(call.store, now, machine.name, {
      ...{ closure: closureOf(node, spec), devices: Object.values(spec.disks ?? {}) },
      keepsHostKey: asked.has('keep-host-key'),
    });
  });
  call.out('### Done! ###\n');
  return 0;
}

interface Installation {
  closure: Closure;
  devices: string[];
  keepsHostKey: boolean;
}

function install(store: Store, state: State, name: string, { closure, devices, keepsHostKey }: Installation): void {
  const machine = machineOf(state, name);
  const root = store.root(name);
  erase(machine, devices);
  for (const folder of ['nix', 'boot', 'var/lib']) rmSync(join(root, folder), { recursive: true, force: true });
  materialise(root, closure);
  setProfile(join(root, 'nix/var/nix/profiles/system'), join(root, closure.path));
  replaceLink(join(root, 'boot/default'), join(root, closure.path));
  machine.units = machine.installer?.units ?? machine.units;
  delete machine.installer;
  if (!keepsHostKey) delete machine.hostKey;
  // Nobody has imported its pools yet.
  machine.zpools = {};
  machine.incus = { version: closure.spec.incus ?? '', addresses: {}, database: emptyDatabase() };
  installFiles(store, name);
  bootSystem(store, machine);
}

/** As disko: a pool goes wherever it is, if only a label on such a disk names it. */
function erase(machine: Machine, devices: readonly string[]): void {
  const isNamed = ({ path, serial }: Disk): boolean =>
    devices.includes(path) || (serial !== undefined && devices.includes(nameOfDisk(serial)));
  const disks = machine.disks ?? [];
  const lost = new Set(withParts(disks.filter(isNamed)).flatMap(poolsOf));
  for (const dataset of Object.keys(machine.datasets))
    if (lost.has(dataset.split('/')[0] ?? '')) Reflect.deleteProperty(machine.datasets, dataset);
  machine.disks = disks.map((disk) =>
    isNamed(disk) ? { ...systemDisk(machine.name), ...pick(disk) } : withoutPools(disk, lost),
  );
}

const pick = ({ path, serial, sizeBytes }: Disk): Disk => ({
  ...{ path, sizeBytes },
  ...(serial === undefined ? {} : { serial }),
});

function withoutPools(disk: Disk, lost: ReadonlySet<string>): Disk {
  return poolsOf(disk).some((pool) => lost.has(pool))
    ? pick(disk)
    : { ...disk, ...(disk.parts === undefined ? {} : { parts: disk.parts.map((part) => withoutPools(part, lost)) }) };
}
