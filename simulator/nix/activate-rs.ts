import { existsSync, mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readOptions } from '../core/arguments.ts';
import { BROKEN_PIPE_EXIT_CODE, BrokenPipe, Unknown, type Call, type Command } from '../core/call.ts';
import { logPrefix } from './log-line.ts';
import { generations } from './profile.ts';

/**
 * The part of deploy-rs 1.0.0 that runs on the host. It goes through the same steps as the real one (src/bin/activate.rs),
 * so that what surprises there surprises here: a stale canary, a rollback of an unchanged closure, a lost client.
 */
export async function activateRs(call: Call): Promise<number> {
  const [verb = ''] = call.args;
  const asked = readOptions(call.args.slice(1), {
    flags: ['magic-rollback', 'auto-rollback', 'dry-activate', 'boot'],
    values: ['profile-path', 'profile-user', 'profile-name', 'temp-path', 'confirm-timeout', 'activation-timeout'],
  });
  const closure = asked.positionals[0] ?? '';
  const tempPath = asked.value('temp-path') ?? '';
  const profile = join(call.root, 'nix/var/nix/profiles', asked.value('profile-name') ?? '');
  // It ignores SIGHUP, and outlives the connection that started it.
  process.on('SIGHUP', () => undefined);
  switch (verb) {
    case 'wait':
      return wait(call, canaryOf(tempPath, closure), Number(asked.value('activation-timeout') ?? 240));
    case 'activate':
      return new Activation(call, profile, {
        closure,
        canary: canaryOf(tempPath, closure),
        confirmTimeout: Number(asked.value('confirm-timeout')),
        magicRollback: asked.has('magic-rollback'),
        autoRollback: asked.has('auto-rollback'),
        dryActivate: asked.has('dry-activate'),
        boot: asked.has('boot'),
      }).run();
    default:
      throw new Unknown(`unknown command activate-rs ${verb}`);
  }
}

/** Named after the closure's hash. */
function canaryOf(tempPath: string, closure: string): string {
  return join(tempPath, `deploy-rs-canary-${basename(closure).split('-')[0] ?? ''}`);
}

async function wait(call: Call, canary: string, timeoutSeconds: number): Promise<number> {
  if (existsSync(canary)) return 0;
  say(call, 'wait', 'INFO', 'Waiting for confirmation event...');
  const cancelled = cancelMark(canary);
  await untilFile(dirname(canary), () => existsSync(canary) || existsSync(cancelled), timeoutSeconds);
  if (existsSync(canary)) {
    say(call, 'wait', 'INFO', 'Found canary file, done waiting!');
    return 0;
  }
  const why = existsSync(cancelled) ? 'Activation cancelled by deployment client' : 'Timeout elapsed for confirmation';
  rmSync(cancelled, { force: true });
  say(call, 'wait', 'ERROR', `Error waiting for activation: ${why}`);
  return 1;
}

/** How a failed activation ends the waiter, before anything is rolled back. */
function cancelMark(canary: string): string {
  return canary.replace('canary', 'cancelled');
}

type Streams = Pick<Command, 'out' | 'err' | 'env'>;

interface ActivationOptions {
  closure: string;
  canary: string;
  confirmTimeout: number;
  magicRollback: boolean;
  autoRollback: boolean;
  dryActivate: boolean;
  boot: boolean;
}

class Activation {
  readonly #call: Call;
  readonly #profile: string;
  readonly #options: ActivationOptions;

  constructor(call: Call, profile: string, options: ActivationOptions) {
    this.#call = call;
    this.#profile = profile;
    this.#options = options;
  }

  async run(): Promise<number> {
    const { closure, magicRollback, autoRollback, dryActivate, boot } = this.#options;
    if (!dryActivate) {
      this.#say('INFO', 'Activating profile');
      const set = await this.#nixEnv(['--set', closure]);
      if (set !== 0) return this.#fail(`The command for setting profile resulted in a bad exit code: Some(${set})`);
    }
    const exitCode = await this.#activateScript(dryActivate ? closure : this.#profile);
    if (dryActivate) return 0;
    if (exitCode !== 0) {
      if (magicRollback && !boot) this.#write(cancelMark(this.#options.canary));
      if (autoRollback) await this.#deactivate(exitCode !== BROKEN_PIPE_EXIT_CODE);
      return this.#fail(`The activation script resulted in a bad exit code: Some(${exitCode})`);
    }
    this.#say('INFO', 'Activation succeeded!');
    if (!magicRollback || boot) return 0;
    this.#say('INFO', 'Magic rollback is enabled, setting up confirmation hook...');
    if (await this.#isConfirmed()) return 0;
    await this.#deactivate(true);
    return this.#fail(
      'Failed to get activation confirmation: Error waiting for confirmation event: Timeout elapsed for confirmation',
    );
  }

  /** Creates the canary, and takes its removal for the confirmation. */
  async #isConfirmed(): Promise<boolean> {
    const { canary, confirmTimeout } = this.#options;
    this.#write(canary);
    this.#say('INFO', 'Waiting for confirmation event...');
    return untilFile(dirname(canary), () => !existsSync(canary), confirmTimeout);
  }

  /**
   * One generation back, and the newest is deleted, whichever that is. A client that has returned does no harm any more,
   * because sshd takes what is printed for long enough; one that was lost while the activation printed takes the rollback
   * with it.
   */
  async #deactivate(isClientAway: boolean): Promise<void> {
    const streams = isClientAway ? { out: unheard(this.#call.out), err: unheard(this.#call.err) } : {};
    this.#say('WARN', 'De-activating due to error');
    if ((await this.#nixEnv(['--rollback'], streams)) !== 0) return;
    const last = generations(this.#profile).at(-1)?.number ?? 0;
    this.#say('WARN', `Removing generation by ID ${last}`);
    if ((await this.#nixEnv(['--delete-generations', String(last)], streams)) !== 0) return;
    this.#say('INFO', 'Attempting to re-activate the last generation');
    await this.#activateScript(this.#profile, { env: {}, ...streams });
  }

  #write(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    this.#call.changed(basename(file));
  }

  #nixEnv(args: string[], streams: Streams = {}): Promise<number> {
    return this.#call.exec({
      machine: this.#call.machine,
      argv: ['nix-env', '-p', this.#profile, ...args],
      ...streams,
    });
  }

  #activateScript(system: string, streams: Streams = {}): Promise<number> {
    const { dryActivate, boot } = this.#options;
    const { env = { DRY_ACTIVATE: dryActivate ? '1' : '0', BOOT: boot ? '1' : '0' }, ...outputs } = streams;
    const argv = [join(system, 'deploy-rs-activate')];
    return this.#call.exec({ machine: this.#call.machine, argv, env: { ...env, PROFILE: system }, ...outputs });
  }

  #fail(message: string): number {
    this.#say('ERROR', message);
    return 1;
  }

  #say(level: 'INFO' | 'WARN' | 'ERROR', message: string): void {
    say(this.#call, 'activate', level, message);
  }
}

/** Goes on where nobody reads any more. */
function unheard(write: (text: string) => void): (text: string) => void {
  return (text) => {
    try {
      write(text);
    } catch (error) {
      if (!(error instanceof BrokenPipe)) throw error;
    }
  };
}

/** The log of a Rust program goes on where its reader is gone; shell scripts and nix-env die of that. */
function say(call: Call, part: 'activate' | 'wait', level: 'INFO' | 'WARN' | 'ERROR', message: string): void {
  unheard(call.err)(`${part === 'wait' ? '👀' : '⭐'} ${logPrefix(part, level)} ${message}\n`);
}

/** False where it did not come to that in time. */
function untilFile(folder: string, holds: () => boolean, timeoutSeconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (answer: boolean): void => {
      clearTimeout(timer);
      watcher.close();
      resolve(answer);
    };
    const look = (): void => {
      if (holds()) finish(true);
    };
    const watcher = watch(folder, look);
    const timer = setTimeout(finish, timeoutSeconds * 1000, false);
    look();
  });
}
