import { basename } from 'node:path';
import type { Host } from '../hosts/host.ts';
import { unexpected, type Busy, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** All of these look at a process table or a folder. */
const TIMEOUT_MS = 20_000;

/** Where deploy-rs puts its canaries unless `tempPath` of the node says otherwise. */
const DEFAULT_TEMP_PATH = '/tmp';

/** NixOS's lock; a second activation gives up with `Could not acquire lock`. */
const LOCK = '/run/nixos/switch-to-configuration.lock';

/**
 * deploy-rs starts `…/activate-rs activate …`, on NixOS a script that becomes `…/bin/activate activate …`.
 * The parentheses keep the pattern from finding a shell that carries it.
 */
const PROCESSES =
  'activate-rs.* (activate|wait|revoke) |bin/activate (activate|wait|revoke) |switch-to-configuration (switch|boot|test)';

interface RunningActivation {
  pid: number;
  command: string;
}

export interface Activations {
  /** What activates a system on this host right now, whoever started it: it outlives its client. */
  runningActivations(): Promise<{ type: 'running'; activations: RunningActivation[] } | Unexpected>;
  /** Whether NixOS's activation lock is held. Takes it for an instant, so look at `runningActivations` first. */
  activationLock(): Promise<{ type: 'free' } | { type: 'held' } | Unexpected>;
  /** Files of deploy-rs that stand for an unconfirmed or cancelled activation, or were left behind by one. */
  canaries(): Promise<{ type: 'canaries'; paths: string[] } | Unexpected>;
  /**
   * Removes stale ones: they make the next deploy take itself for activated, or for cancelled, before it is.
   * Busy while an activation runs: removing its canary would confirm it. Idempotent.
   */
  removeCanaries(): Promise<{ type: 'removed'; paths: string[] } | Busy | Unexpected>;
}

export function createActivations(host: Host, options: ToolOptions & { tempPath?: string } = {}): Activations {
  const tempPath = options.tempPath ?? DEFAULT_TEMP_PATH;
  const run = async (argv: string[]): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...withSignal(options) }),
  });

  const runningActivations: Activations['runningActivations'] = async () => {
    const ran = await run(['pgrep', '-f', '-a', PROCESSES]);
    // 1: nothing matched. 0: something did, so it says what.
    const isLost = ran.result.exitCode === 0 && ran.result.stdout === '';
    if (ran.result.exitCode > 1 || isLost) return unexpected('pgrep', ran);
    const found = ran.result.stdout.split('\n').flatMap((line) => {
      const [, pid, command] = /^(\d+) (.*)$/.exec(line) ?? [];
      return pid === undefined || command === undefined ? [] : [{ pid: Number(pid), command }];
    });
    return { type: 'running', activations: found.filter(({ command }) => !isClient(command)) };
  };

  const canaries: Activations['canaries'] = async () => {
    const ran = await run(['find', tempPath, '-maxdepth', '1', '-name', 'deploy-rs-c*']);
    if (ran.result.exitCode !== 0) return unexpected('find', ran);
    const found = new Set(ran.result.stdout.split('\n'));
    return { type: 'canaries', paths: [...found].filter((path) => isCanary(path, tempPath)) };
  };

  return {
    runningActivations,
    canaries,
    activationLock: async () => {
      const ran = await run(['flock', '--nonblock', '--conflict-exit-code', '75', LOCK, 'true']);
      if (ran.result.exitCode === 75) return { type: 'held' };
      // 66: the folder of the lock is not there, so nobody ever took it since boot.
      return ran.result.exitCode === 0 || ran.result.exitCode === 66 ? { type: 'free' } : unexpected('flock', ran);
    },
    removeCanaries: async () => {
      const stale = await canaries();
      if (stale.type !== 'canaries') return stale;
      if (stale.paths.length === 0) return { type: 'removed', paths: [] };
      const running = await runningActivations();
      if (running.type !== 'running') return running;
      const first = running.activations[0];
      if (first !== undefined) return { type: 'busy', message: `An activation is running: ${first.command}` };
      const ran = await run(['rm', '-f', '--', ...stale.paths]);
      return ran.result.exitCode === 0 ? { type: 'removed', paths: stale.paths } : unexpected('rm', ran);
    },
  };
}

/** Anyone may put a file into /tmp whose name holds a line break and another path: only deploy-rs's own form is taken. */
function isCanary(path: string, tempPath: string): boolean {
  const prefix = `${tempPath}/deploy-rs-`;
  return path.startsWith(prefix) && /^(?:canary|cancel)-[0-9a-z]{32}$/.test(path.slice(prefix.length));
}

/** The ssh client of a deployment from here to somewhere else carries the same words. */
function isClient(command: string): boolean {
  return ['ssh', 'deploy'].includes(basename(command.split(' ', 1)[0] ?? ''));
}
