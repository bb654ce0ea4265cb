import { z } from 'zod';
import { HostError, type Host, type RunResult } from '../hosts/host.ts';
import { readJson, unexpected, type Ran, type ToolFailure } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** systemd answers at once; while it is reloading, or at boot on a slow disk, it takes seconds. */
const READ_TIMEOUT_MS = 20_000;

/** Over DefaultTimeoutStartSec and DefaultTimeoutStopSec, 90 s each: systemd itself gives up first. */
const RESTART_TIMEOUT_MS = 4 * 60_000;

/** The command returns at once, or the connection goes. */
const REBOOT_TIMEOUT_MS = 15_000;

const listedSchema = z.array(
  z.object({ unit: z.string(), load: z.string(), active: z.string(), sub: z.string(), description: z.string() }),
);

interface FailedUnit {
  unit: string;
  description: string;
}

interface UnitState {
  unit: string;
  /** `loaded`, `not-found`, `masked`, … */
  load: string;
  /** `active`, `inactive`, `failed`, `activating`, … */
  active: string;
  /** `running`, `exited`, `dead`, … */
  sub: string;
  /** How its last run ended: `success`, `exit-code`, `timeout`, … */
  result: string;
}

/** What `systemctl is-system-running` answers; `running` and `degraded` (a unit has failed) mean that booting is over. */
type SystemState =
  'initializing' | 'starting' | 'running' | 'degraded' | 'maintenance' | 'stopping' | 'offline' | 'unknown';

const SYSTEM_STATES: readonly string[] = [
  'initializing',
  'starting',
  'running',
  'degraded',
  'maintenance',
  'stopping',
  'offline',
  'unknown',
] satisfies SystemState[];

export interface Systemd {
  failedUnits(): Promise<{ type: 'units'; units: FailedUnit[] } | ToolFailure>;
  /** In the order asked for. A unit that does not exist has `load: 'not-found'`. */
  unitStates(units: readonly string[]): Promise<{ type: 'states'; states: UnitState[] } | ToolFailure>;
  /** Restarts, or starts, and waits for it. Not idempotent: each call restarts. */
  restartUnit(unit: string): Promise<{ type: 'restarted' } | { type: 'failed'; message: string } | ToolFailure>;
  /**
   * For a unit whose start hangs after its process died, or that an interrupted activation did not come to: ends what is
   * left of it and starts what its file says now, without waiting. Not idempotent: each call restarts.
   */
  killAndRestart(unit: string): Promise<{ type: 'asked' } | ToolFailure>;
  isSystemRunning(): Promise<{ type: 'system'; state: SystemState } | ToolFailure>;
  /** The kernel's id of this boot: another one after a reboot. */
  bootId(): Promise<{ type: 'boot'; id: string } | ToolFailure>;
  machineId(): Promise<{ type: 'machine'; id: string } | ToolFailure>;
  /**
   * Asks for a reboot. `asked` also where the connection broke on the way: whether it rebooted is told by `bootId`.
   * Not idempotent: compare the boot id first.
   */
  reboot(): Promise<{ type: 'asked' } | ToolFailure>;
}

export function createSystemd(host: Host, options: ToolOptions = {}): Systemd {
  const run = async (argv: readonly string[], timeoutMs: number): Promise<Ran & { result: RunResult }> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  const readId = async (path: string): Promise<string | ToolFailure> => {
    const ran = await run(['cat', path], READ_TIMEOUT_MS);
    const id = ran.result.stdout.trim();
    if (ran.result.exitCode === 0 && /^[0-9a-f-]{32,36}$/.test(id)) return id;
    return unexpected('cat', ran, `Expected an id in ${path}.`);
  };

  return {
    failedUnits: async () => {
      const ran = await run(['systemctl', 'list-units', '--failed', '--output=json'], READ_TIMEOUT_MS);
      if (ran.result.exitCode !== 0) return notDone(ran);
      const answer = readJson('systemctl', ran, listedSchema);
      if (answer.type !== 'json') return answer;
      return { type: 'units', units: answer.value.map(({ unit, description }) => ({ unit, description })) };
    },
    unitStates: async (units) => {
      if (units.length === 0) return { type: 'states', states: [] };
      const ran = await run([...SHOW, '--', ...units], READ_TIMEOUT_MS);
      if (ran.result.exitCode !== 0) return notDone(ran);
      // Seen once, in a guest that had just started, with an exit code of 0.
      if (ran.result.stdout === '') return { type: 'busy', message: `systemd on ${host.name} gave no answer.` };
      return readUnitStates(ran, units);
    },
    restartUnit: async (unit) => {
      const ran = await run(['systemctl', 'restart', '--', unit], RESTART_TIMEOUT_MS);
      if (ran.result.exitCode === 0) return { type: 'restarted' };
      const message = ran.result.stderr.trim();
      if (/^Failed to restart .*: Unit .* not found\.$/m.test(message)) return { type: 'not found', what: unit };
      if (/^Job for .* failed|^A dependency job for .* failed/m.test(message)) return { type: 'failed', message };
      return notDone(ran);
    },
    killAndRestart: async (unit) => {
      await run(['systemctl', 'daemon-reload'], RESTART_TIMEOUT_MS);
      // Fails where no process is left, which is as good.
      await run(['systemctl', 'kill', '--', unit], READ_TIMEOUT_MS);
      const ran = await run(['systemctl', 'restart', '--no-block', '--', unit], READ_TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'asked' } : notDone(ran);
    },
    isSystemRunning: async () => {
      // Exits with 1 for all but `running`, so the word decides.
      const ran = await run(['systemctl', 'is-system-running'], READ_TIMEOUT_MS);
      const state = ran.result.stdout.trim();
      return isSystemState(state) ? { type: 'system', state } : notDone(ran);
    },
    bootId: async () => {
      const id = await readId('/proc/sys/kernel/random/boot_id');
      return typeof id === 'string' ? { type: 'boot', id } : id;
    },
    machineId: async () => {
      const id = await readId('/etc/machine-id');
      return typeof id === 'string' ? { type: 'machine', id } : id;
    },
    reboot: async () => {
      try {
        const ran = await run(['systemctl', 'reboot', '--no-wall'], REBOOT_TIMEOUT_MS);
        return ran.result.exitCode === 0 ? { type: 'asked' } : notDone(ran);
      } catch (error) {
        const gone = error instanceof HostError && (error.type === 'Unreachable' || error.type === 'TimedOut');
        if (gone) return { type: 'asked' };
        throw error;
      }
    },
  };
}

/** Trying again helps where its systemd does not listen yet, as in a guest that has only begun to boot. */
function notDone(ran: Ran): ToolFailure {
  const message = ran.result.stderr.trim();
  return /^Failed to connect to .*bus/m.test(message) ? { type: 'busy', message } : unexpected('systemctl', ran);
}

const SHOW = ['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result'];

function isSystemState(text: string): text is SystemState {
  return SYSTEM_STATES.includes(text);
}

/** One block of `Key=value` lines per unit, in the order asked for, apart by an empty line. */
function readUnitStates(ran: Ran, units: readonly string[]): { type: 'states'; states: UnitState[] } | ToolFailure {
  const blocks = ran.result.stdout.trim().split(/\n\n+/);
  if (blocks.length !== units.length)
    return unexpected('systemctl', ran, `Expected ${units.length} units, got ${blocks.length}.`);
  const states: UnitState[] = [];
  for (const [index, unit] of units.entries()) {
    const fields = new Map(
      (blocks[index] ?? '').split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    );
    const [load, active, sub] = [fields.get('LoadState'), fields.get('ActiveState'), fields.get('SubState')];
    if (load === undefined || active === undefined || sub === undefined)
      return unexpected('systemctl', ran, `Expected LoadState, ActiveState and SubState of ${unit}.`);
    // Units that do not exist, targets and the like have no Result.
    states.push({ unit, load, active, sub, result: fields.get('Result') ?? '' });
  }
  return { type: 'states', states };
}
