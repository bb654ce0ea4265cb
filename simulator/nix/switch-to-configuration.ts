import { spawn } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Machine, State, Unit } from '../core/state.ts';
import { incusVersion, setIncusVersion } from '../incus/servers.ts';
import { waitsForOthers } from '../incus/view.ts';
import { startUnit } from '../systemd/units.ts';
import { readClosure } from './closure-files.ts';
import type { Closure } from './flake.ts';
import { replaceLink } from './profile.ts';

const LOCK = 'run/nixos/switch-to-configuration.lock';
const UNITS_FAILED = 4;
/** TimeoutStartSec of NixOS's incus.service. */
const INCUS_START_MS = 600_000;

/** As deploy-rs's `lib.activate.nixos` makes it: the environment says which action. */
export function deployRsActivate(call: Call): Promise<number> {
  const { env } = call;
  const action = env['DRY_ACTIVATE'] === '1' ? 'dry-activate' : env['BOOT'] === '1' ? 'boot' : 'switch';
  return call.exec({ machine: call.machine, argv: [join(dirname(call.self), 'bin/switch-to-configuration'), action] });
}

/** NixOS's activation: exit code 4 where units failed, 100 where a reboot is needed, its lock against a second one. */
export async function switchToConfiguration(call: Call): Promise<number> {
  const [action = '', ...rest] = call.args;
  if (!['switch', 'boot', 'test', 'dry-activate'].includes(action) || rest.length > 0)
    throw new Unknown('expected switch, boot, test or dry-activate');
  const system = realpathSync(dirname(dirname(call.self)));
  const closure = readClosure(system);
  const units = restartedUnits(call.store.read(), call.machine, closure);
  if (action === 'dry-activate') {
    call.err(`would activate the configuration...\nwould restart the following units: ${units.join(', ')}\n`);
    return 0;
  }
  const lock = await takeLock(join(call.root, LOCK));
  if (!lock) {
    call.err('Could not acquire lock\n');
    return 1;
  }
  try {
    if (action !== 'test') {
      replaceLink(join(call.root, 'boot/default'), system);
      call.changed('boot default');
    }
    return action === 'boot' ? 0 : await activate(call, system, closure, units);
  } finally {
    await lock.release();
  }
}

async function activate(call: Call, system: string, closure: Closure, units: string[]): Promise<number> {
  const { activation = {} } = closure.spec;
  const half = 500 * (activation.seconds ?? 0.4) * call.store.read().pace;
  call.err('activating the configuration...\n');
  await sleep(half);
  replaceLink(join(call.root, 'run/current-system'), system);
  call.changed('running configuration');
  call.err('setting up /etc...\n');
  const failed = await call.update((state) => applyToMachine(state, call.machine, closure, units));
  call.err(`restarting the following units: ${units.join(', ')}\n`);
  await sleep(half);
  if (units.includes('incus.service') && !(await untilIncusIsReady(call))) failed.push('incus.service');
  if (failed.length > 0) {
    call.err(`warning: the following units failed: ${failed.join(', ')}\n`);
    return UNITS_FAILED;
  }
  return activation.exitCode ?? 0;
}

/** Answers with the units that failed. A changed Incus restarts its daemon, which is then of the new version. */
function applyToMachine(state: State, name: string, { spec }: Closure, units: string[]): string[] {
  const machine = machineOf(state, name);
  const { network, failedUnits = [] } = spec.activation ?? {};
  machine.power = network === 'cuts off' ? 'cut off' : 'on';
  setSshd(machine, network !== 'stops sshd');
  if (spec.incus !== undefined) setIncusVersion(state, name, spec.incus);
  for (const unit of failedUnits) machine.units[unit] ??= { ...installed(unit) };
  const failed = [...new Set([...units, ...failedUnits])].filter(
    (unit) => !startUnit(machine, unit, !failedUnits.includes(unit)),
  );
  const incus = machine.units['incus.service'];
  if (incus && units.includes('incus.service')) [incus.active, incus.sub] = ['activating', 'start-post'];
  return failed;
}

/**
 * A daemon of a newer version than the others' is not started before they have it too, or its unit's time is over. One
 * that dies in a database patch hangs until somebody restarts its unit.
 */
async function untilIncusIsReady(call: Call): Promise<boolean> {
  const set = (active: Unit['active'], sub: string, result = 'success'): Promise<void> =>
    call.update((state) => {
      const unit = machineOf(state, call.machine).units['incus.service'];
      if (unit) [unit.active, unit.sub, unit.result] = [active, sub, result];
    });
  const end = Date.now() + INCUS_START_MS;
  const until = async (holds: () => boolean): Promise<boolean> => {
    while (!holds() && Date.now() < end) await sleep(50);
    return holds();
  };
  const isAlone = (): boolean => waitsForOthers(call.store.read(), call.machine);
  const ready = await until(() => !isAlone());
  if (ready && (await diesInPatch(call))) {
    await set('activating', 'start-post', 'exit-code');
    return until(() => machineOf(call.store.read(), call.machine).units['incus.service']?.active === 'active');
  }
  await set(ready ? 'active' : 'failed', ready ? 'running' : 'failed', ready ? 'success' : 'timeout');
  return ready;
}

function diesInPatch(call: Call): Promise<boolean> {
  return call.update(({ cluster }) => {
    const member = cluster.members[call.machine];
    const left = member?.failingPatches ?? 0;
    if (member && left > 0) member.failingPatches = left - 1;
    return left > 0;
  });
}

function setSshd(machine: Machine, up: boolean): void {
  const sshd = machine.units['sshd.service'];
  if (sshd) [sshd.active, sshd.sub] = up ? ['active', 'running'] : ['inactive', 'dead'];
}

function installed(unit: string): Machine['units'][string] {
  return {
    description: unit,
    active: 'inactive',
    sub: 'dead',
    origin: 'installed',
    result: 'success',
    execMainStatus: 0,
    pid: 0,
    invocationId: '',
    startedAt: '',
    properties: {},
  };
}

/** Those of the machine's own services that each new configuration changes, and Incus where its version is another. */
function restartedUnits(state: State, name: string, { spec }: Closure): string[] {
  const changed = spec.incus !== undefined && incusVersion(state, name) !== spec.incus;
  return [...(changed ? ['incus.service'] : []), 'prometheus-node-exporter.service'];
}

/** The real flock(2), through the real program, because others look at it. It goes with this process, however that ends. */
function takeLock(path: string): Promise<{ release(): Promise<void> } | undefined> {
  mkdirSync(dirname(path), { recursive: true });
  const holder = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo held; read -r _'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    holder.once('exit', () => {
      resolve();
    });
  });
  return new Promise((resolve, reject) => {
    holder.on('error', reject);
    holder.stdout.once('data', () => {
      resolve({
        release: () => {
          holder.stdin.end();
          return ended;
        },
      });
    });
    void ended.then(() => {
      resolve(undefined);
    });
  });
}
