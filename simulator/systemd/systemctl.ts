import { spawn } from 'node:child_process';
import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Machine, Unit } from '../core/state.ts';
import { readClosure } from '../nix/closure-files.ts';
import { daemonStarts, setIncusVersion } from '../incus/servers.ts';
import { endUnit } from './transient.ts';
import { startUnit, stopUnit, unitName } from './units.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** `systemctl` on a machine. */
export async function systemctl(call: Call): Promise<number> {
  const asked = readOptions(call.args, {
    flags: ['failed', 'no-legend', 'no-pager', 'plain', 'all', 'quiet', 'no-wall', 'no-block', 'value', 'full'],
    values: ['output', 'property', 'signal', 'kill-whom'],
    short: { o: 'output', p: 'property', q: 'quiet', a: 'all', s: 'signal' },
  });
  const [verb = '', ...names] = asked.positionals;
  const units = names.map(unitName);
  const machine = machineOf(call.store.read(), call.machine);
  switch (verb) {
    case 'list-units':
      return listUnits(call, machine, asked.has('failed'), asked.value('output'));
    case 'show':
      return show(
        call,
        machine,
        units,
        asked.all('property').flatMap((list) => list.split(',')),
        asked.has('value'),
      );
    case 'is-system-running': {
      const isDegraded = Object.values(machine.units).some(({ active }) => active === 'failed');
      call.out(isDegraded ? 'degraded\n' : 'running\n');
      return isDegraded ? 1 : 0;
    }
    case 'is-active':
      return isActive(call, machine, units, asked.has('quiet'));
    case 'restart':
    case 'start':
      return (await Promise.all(units.map((unit) => start(call, unit, verb)))).find((code) => code !== 0) ?? 0;
    case 'stop':
      return (await Promise.all(units.map((unit) => stop(call, unit)))).find((code) => code !== 0) ?? 0;
    case 'kill':
      return killUnits(call, units);
    case 'reset-failed':
      return resetFailed(call, units);
    case 'daemon-reload':
      return 0;
    case 'reboot':
      return reboot(call);
    default:
      throw new Unknown(`unknown command systemctl ${verb}`);
  }
}

function listUnits(call: Call, machine: Machine, onlyFailed: boolean, output: string | undefined): number {
  if (!onlyFailed || output !== 'json') throw new Unknown('expected list-units --failed --output=json');
  const failed = Object.entries(machine.units).filter(([, { active }]) => active === 'failed');
  call.out(
    `${JSON.stringify(failed.map(([unit, { active, sub, description }]) => ({ unit, load: 'loaded', active, sub, description })))}\n`,
  );
  return 0;
}

function show(call: Call, machine: Machine, units: string[], properties: string[], valueOnly: boolean): number {
  if (properties.length === 0) throw new Unknown('expected --property');
  const blocks = units.map((name) => {
    const all = unitProperties(name, machine.units[name]);
    const unknown = properties.find((property) => !(property in all));
    if (unknown !== undefined) throw new Unknown(`unknown property ${unknown}`);
    // In systemd's order, whatever the order in which they were asked for.
    return Object.keys(all)
      .filter((property) => properties.includes(property) && all[property] !== undefined)
      .map((property) => (valueOnly ? (all[property] ?? '') : `${property}=${all[property] ?? ''}`))
      .join('\n');
  });
  call.out(`${blocks.join('\n\n')}\n`);
  return 0;
}

/** Units that do not exist have defaults for all of it. */
function unitProperties(name: string, unit: Unit | undefined): Record<string, string | undefined> {
  return {
    Result: unit?.result ?? 'success',
    Id: name,
    Names: name,
    Description: unit?.description ?? name,
    LoadState: unit ? 'loaded' : 'not-found',
    ActiveState: unit?.active ?? 'inactive',
    SubState: unit?.sub ?? 'dead',
    ExecMainStatus: String(unit?.execMainStatus ?? 0),
    ExecMainCode: String(execMainCode(unit)),
    MainPID: String(unit?.active === 'active' && unit.sub === 'running' ? unit.pid : 0),
    InvocationID: unit?.invocationId ?? '',
    NRestarts: '0',
    ExecMainStartTimestamp: timestamp(unit),
  };
}

/** `Mon 2026-11-23 13:33:12 UTC`. */
function timestamp(unit: Unit | undefined): string {
  if (!unit || unit.startedAt === '') return '';
  const at = new Date(unit.startedAt);
  const day = at.toUTCString().slice(0, 3);
  return `${day} ${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** As waitid(2): 1 exited, 2 killed, 0 not yet. */
function execMainCode(unit: Unit | undefined): number {
  if (!unit || unit.sub === 'running' || unit.sub === 'dead') return 0;
  return unit.result === 'signal' ? 2 : 1;
}

function isActive(call: Call, machine: Machine, units: string[], quiet: boolean): number {
  const states = units.map((name) => machine.units[name]?.active ?? 'inactive');
  if (!quiet) call.out(`${states.join('\n')}\n`);
  if (states.includes('active')) return 0;
  return units.some((name) => machine.units[name]) ? 3 : 4;
}

/** A restart that fails says so as systemd does; so does each start while the running configuration breaks the unit. */
async function start(call: Call, name: string, verb: string): Promise<number> {
  const link = join(call.root, 'run/current-system');
  const spec = existsSync(link) ? readClosure(link).spec : undefined;
  const broken = spec?.activation?.failedUnits ?? [];
  const answer = await call.update((state) => {
    const machine = machineOf(state, call.machine);
    const unit = machine.units[name];
    if (!unit) return 'absent';
    if (verb === 'start' && unit.active === 'active') return 'started';
    if (name === 'incus.service' && spec?.incus !== undefined) setIncusVersion(state, call.machine, spec.incus);
    const isStarted = startUnit(machine, name, !broken.includes(name));
    if (name === 'incus.service' && isStarted) daemonStarts(call.store, machine);
    return isStarted ? 'started' : 'failed';
  });
  if (answer === 'started') return 0;
  if (answer === 'absent') {
    call.err(`Failed to ${verb} ${name}: Unit ${name} not found.\n`);
    return 5;
  }
  call.err(
    `Job for ${name} failed because the control process exited with error code.\nSee "systemctl status ${name}" and "journalctl -xeu ${name}" for details.\n`,
  );
  return 1;
}

async function stop(call: Call, name: string): Promise<number> {
  const unit = machineOf(call.store.read(), call.machine).units[name];
  if (!unit) {
    call.err(`Failed to stop ${name}: Unit ${name} not loaded.\n`);
    return 5;
  }
  // A failed one stays until it is reset.
  if (unit.active === 'failed') return 0;
  if (unit.origin === 'transient') await endUnit(call, name, unit);
  else
    await call.update((state) => {
      stopUnit(machineOf(state, call.machine), name);
    });
  return 0;
}

/** A unit that runs ends well by SIGTERM; one whose start waits for something fails. */
async function killUnits(call: Call, names: string[]): Promise<number> {
  const absent = await call.update((state) => {
    const { units } = machineOf(state, call.machine);
    for (const name of names) {
      const unit = units[name];
      if (unit?.active === 'active') stopUnit(machineOf(state, call.machine), name);
      if (unit?.active === 'activating') [unit.active, unit.sub] = ['failed', 'failed'];
    }
    return names.filter((name) => !units[name]);
  });
  for (const name of absent) call.err(`Failed to kill unit ${name}: Unit ${name} not loaded.\n`);
  return absent.length === 0 ? 0 : 1;
}

async function resetFailed(call: Call, units: string[]): Promise<number> {
  const absent = await call.update((state) => {
    const { units: all } = machineOf(state, call.machine);
    return units.filter((name) => {
      const unit = all[name];
      if (unit?.active === 'failed') {
        if (unit.origin === 'transient') Reflect.deleteProperty(all, name);
        else [unit.active, unit.sub, unit.result] = ['inactive', 'dead', 'success'];
      }
      return !unit;
    });
  });
  for (const name of absent) call.err(`Failed to reset failed state of unit ${name}: Unit ${name} not loaded.\n`);
  return absent.length === 0 ? 0 : 1;
}

/** It answers, and a moment later the machine goes down with everything on it. */
function reboot(call: Call): number {
  const [, program = ''] = process.argv;
  spawn(process.execPath, [program, 'reboot', call.store.dir, call.machine], {
    detached: true,
    stdio: 'ignore',
    env: {},
  }).unref();
  call.changed('power');
  return 0;
}
