import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOptions, splitCommand } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { outOfRoot } from '../core/paths.ts';
import { machineEnvironment } from '../core/program.ts';
import { machineOf } from '../core/store.ts';
import type { Unit } from '../core/state.ts';
import { installedUnit, unitName } from './units.ts';

const PROPERTIES = new Set([
  'RemainAfterExit',
  'KillMode',
  'TimeoutStopSec',
  'RuntimeMaxSec',
  'StandardOutput',
  'StandardError',
  'WorkingDirectory',
]);
const VALUED = [
  '--unit',
  '-u',
  '-p',
  '--property',
  '--service-type',
  '--setenv',
  '-E',
  '--working-directory',
  '--description',
  '--expand-environment',
];

/**
 * `systemd-run`: really runs the command, in a session of its own, so that it survives whoever asked for it.
 * When it ends, the shell around it tells the simulation by the machine's `.unit-ended`.
 */
export async function systemdRun(call: Call): Promise<number> {
  const { options, command } = splitCommand(call.args, VALUED);
  const asked = readOptions(options, {
    flags: ['quiet', 'no-block', 'collect'],
    values: ['unit', 'property', 'service-type', 'setenv', 'working-directory', 'description', 'expand-environment'],
    short: { u: 'unit', p: 'property', q: 'quiet', E: 'setenv', G: 'collect' },
  });
  const name = unitName(asked.value('unit') ?? `run-u${process.pid}`);
  const properties = Object.fromEntries(asked.all('property').map(splitSetting));
  for (const property of Object.keys(properties))
    if (!PROPERTIES.has(property)) throw new Unknown(`unknown property ${property}`);
  if (command.length === 0) throw new ToolError('Command line to execute required.');
  const environment = Object.fromEntries(asked.all('setenv').map(splitSetting));
  if (!isProgram(call, command[0] ?? ''))
    throw new ToolError(
      `Failed to find executable ${outOfRoot(command[0] ?? '', call.root)}: No such file or directory`,
    );
  const argv =
    asked.value('expand-environment') === 'no' ? command : command.flatMap((word) => expand(word, environment));
  const unit: Unit = {
    ...installedUnit(asked.value('description') ?? `[systemd-run] ${outOfRoot(command.join(' '), call.root)}`),
    origin: 'transient',
    invocationId: randomUUID().replaceAll('-', ''),
    properties,
  };
  const isNew = await call.update(({ machines }) => {
    const units = machines[call.machine]?.units ?? {};
    if (units[name]) return false;
    units[name] = unit;
    return true;
  });
  if (!isNew)
    throw new ToolError(
      `Failed to start transient service unit: Unit ${name} was already loaded or has a fragment file.`,
    );
  const pid = startProcess(call, name, argv, environment);
  await call.update((state) => {
    const started = machineOf(state, call.machine).units[name];
    if (started?.sub === 'running') started.pid = pid;
  });
  if (!asked.has('quiet')) call.err(`Running as unit: ${name}; invocation ID: ${unit.invocationId}\n`);
  return 0;
}

function isProgram(call: Call, program: string): boolean {
  return existsSync(program.includes('/') ? program : join(call.root, 'bin', program));
}

/** systemd expands `$NAME` and `${NAME}` in a command itself, and takes `$$` for a dollar sign (systemd.service(5)). */
function expand(word: string, environment: Readonly<Record<string, string>>): string[] {
  const value = (name: string): string => ({ USER: 'root', HOME: '/root', ...environment })[name] ?? '';
  const whole = /^\$([A-Za-z_]\w*)$/.exec(word)?.[1];
  if (whole !== undefined) return value(whole).split(/\s+/).filter(Boolean);
  return [
    word.replace(/\$\$|\$\{([A-Za-z_]\w*)\}/g, (_, name: string | undefined) =>
      name === undefined ? '$' : value(name),
    ),
  ];
}

function startProcess(call: Call, name: string, command: string[], env: Record<string, string>): number {
  const bin = join(call.root, 'bin');
  const script = '"$@"; exec "$SIMULATED_END" "$SIMULATED_UNIT" "$?"';
  const child = spawn(join(bin, 'sh'), ['-c', script, 'sh', ...command], {
    detached: true,
    stdio: 'ignore',
    cwd: call.root,
    env: { ...machineEnvironment(call.root), ...env, SIMULATED_END: join(bin, '.unit-ended'), SIMULATED_UNIT: name },
  });
  child.unref();
  return child.pid ?? 0;
}

/** What the shell around a unit's command calls last. */
export async function unitEnded(call: Call): Promise<number> {
  const [name = '', code = '0'] = call.args;
  const exitCode = Number(code);
  await call.update((state) => {
    const { units } = machineOf(state, call.machine);
    const unit = units[name];
    if (unit?.origin !== 'transient') return;
    unit.pid = 0;
    unit.execMainStatus = exitCode > 128 ? exitCode - 128 : exitCode;
    if (exitCode !== 0)
      [unit.active, unit.sub, unit.result] = ['failed', 'failed', exitCode > 128 ? 'signal' : 'exit-code'];
    else if (unit.properties['RemainAfterExit'] === 'yes') unit.sub = 'exited';
    else Reflect.deleteProperty(units, name);
  });
  return 0;
}

/** Stops a transient unit, which is gone after that: SIGTERM, and SIGKILL when its time is over. */
export async function endUnit(call: Call, name: string, unit: Unit): Promise<void> {
  const end = Date.now() + 1000 * Number(unit.properties['TimeoutStopSec'] ?? 90);
  if (unit.pid > 0 && signalGroup(unit.pid, 'SIGTERM')) {
    while (Date.now() < end && signalGroup(unit.pid, 0)) await sleep(20);
    signalGroup(unit.pid, 'SIGKILL');
  }
  await call.update((state) => {
    Reflect.deleteProperty(machineOf(state, call.machine).units, name);
  });
}

/** False where the group is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function splitSetting(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}
