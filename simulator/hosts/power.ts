import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineOf, type Store } from '../core/store.ts';
import type { Machine, State } from '../core/state.ts';
import { daemonStarts, setIncusVersion } from '../incus/servers.ts';
import { readClosure } from '../nix/closure-files.ts';
import { replaceLink } from '../nix/profile.ts';
import { startUnit } from '../systemd/units.ts';
import { writeDisks } from './disks.ts';
import { kill, processesOf } from './processes.ts';

/** All of these change the state that they are given: call them within an update. */

/** The plug is pulled: what runs on it dies, what is on its disks stays. Its guests go with it. */
export function powerOff(store: Store, state: State, name: string): void {
  const machine = machineOf(state, name);
  machine.power = 'off';
  for (const { name: each } of [...guestsOn(state, name), machine]) killProcesses(store, each);
}

/** Boots a machine from its boot default. On a member, the guests that ran start as well, unless it is evacuated. */
export function powerOn(store: Store, state: State, name: string): void {
  const machine = machineOf(state, name);
  bootSystem(store, machine);
  if (machine.kind !== 'member') return;
  const closure = currentClosure(store, name);
  if (closure?.spec.incus !== undefined) setIncusVersion(state, name, closure.spec.incus);
  if (machine.incus) machine.incus.bridges = [];
  daemonStarts(store, machine);
  for (const guest of guestsOn(state, name))
    if (state.cluster.instances[guest.name]?.status === 'Running') bootSystem(store, guest);
}

export function guestsOn(state: State, member: string): Machine[] {
  return Object.values(state.cluster.instances)
    .filter(({ location }) => location === member)
    .map(({ name }) => machineOf(state, name));
}

/** What `incus stop` does to the guest's processes. */
export function stopGuest(store: Store, name: string): void {
  killProcesses(store, name);
}

export function bootSystem(store: Store, machine: Machine): void {
  const root = store.root(machine.name);
  killProcesses(store, machine.name);
  machine.power = 'on';
  machine.bootId = randomUUID();
  machine.bootedAt = new Date().toISOString();
  for (const folder of ['run', 'tmp']) emptyFolder(join(root, folder));
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  const system = machine.installer === undefined ? bootDefault(root) : undefined;
  if (system !== undefined) {
    replaceLink(join(root, 'run/booted-system'), system);
    replaceLink(join(root, 'run/current-system'), system);
  }
  writeMachineFiles(root, machine);
  const failing = new Set(system === undefined ? [] : (readClosure(system).spec.activation?.failedUnits ?? []));
  for (const [unit, { origin }] of Object.entries(machine.units)) {
    if (origin === 'transient') Reflect.deleteProperty(machine.units, unit);
    else startUnit(machine, unit, !failing.has(unit));
  }
}

export function writeMachineFiles(root: string, machine: Machine): void {
  const files = {
    'proc/sys/kernel/random/boot_id': `${machine.bootId}\n`,
    'etc/machine-id': `${machine.machineId}\n`,
    'etc/hostname': `${machine.name}\n`,
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/os-release': osRelease(machine.installer !== undefined),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  writeDisks(root, machine.disks ?? []);
}

/** `VARIANT_ID` is the image's. */
function osRelease(isInstaller: boolean): string {
  const variant = isInstaller ? 'VARIANT="Installer"\nVARIANT_ID=installer\n' : '';
  return `ID=nixos\nNAME=NixOS\nPRETTY_NAME="NixOS 26.05 (Yarara)"\n${variant}VERSION_ID="26.05"\n`;
}

/** What the boot loader starts: set by switch-to-configuration, not by the profile alone. */
export function bootDefault(root: string): string | undefined {
  const link = join(root, 'boot/default');
  return existsSync(link) ? readlinkSync(link) : undefined;
}

export function currentClosure(store: Store, name: string): ReturnType<typeof readClosure> | undefined {
  const link = join(store.root(name), 'run/current-system');
  return existsSync(link) ? readClosure(link) : undefined;
}

/** Every process of the machine's, found by the environment that they inherit; not ourselves. */
function killProcesses(store: Store, name: string): void {
  for (const pid of processesOf(store.root(name))) if (pid !== process.pid) kill(pid);
}

function emptyFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}
