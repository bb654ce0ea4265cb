import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { logPrefix } from './log-line.ts';
import {
  closureOf,
  nodeOf,
  parseFlakeReference,
  readFlake,
  type Closure,
  type FlakeReference,
  type NodeSpec,
} from './flake.ts';
import { isValid } from './store-database.ts';

interface Options {
  node: string;
  spec: NodeSpec;
  closure: Closure;
  hostname: string;
  sshUser: string;
  sshOptions: string[];
  magicRollback: boolean;
  autoRollback: boolean;
  confirmTimeout: string;
  activationTimeout: string | undefined;
  boot: boolean;
  dryActivate: boolean;
}

/**
 * deploy-rs 1.0.0, by the steps of the real one (src/cli.rs, push.rs, deploy.rs): build, copy, activate over ssh, wait over
 * a second ssh, confirm over a third.
 */
export async function deploy(call: Call): Promise<number> {
  if (call.args.length === 1 && call.args[0] === '--version') {
    call.out('deploy-rs 1.0.0\n');
    return 0;
  }
  const options = readDeployOptions(call);
  const failed = (await pushProfile(call, options)) ?? (await activateProfile(call, options));
  if (!options.dryActivate && failed?.stage !== 'push') call.changed(`system of ${options.node}`);
  if (failed === undefined) return 0;
  const { node, dryActivate, autoRollback } = options;
  if (failed.stage === 'push') {
    say(call, 'ERROR', failed.message);
    return 1;
  }
  say(call, 'ERROR', failed.message);
  if (dryActivate) say(call, 'INFO', 'dry run, not rolling back');
  if (autoRollback) {
    say(call, 'INFO', 'Revoking previous deploys');
    say(call, 'ERROR', `Deployment to node ${node} failed, rolled back to previous generation`);
  } else say(call, 'ERROR', `Failed to deploy profile to node ${node}: ${failed.message}`);
  return 1;
}

function readDeployOptions(call: Call): Options {
  const asked = readOptions(call.args, {
    flags: ['skip-checks', 'boot', 'dry-activate', 'keep-result'],
    values: [
      'hostname',
      'ssh-user',
      'ssh-opts',
      'magic-rollback',
      'auto-rollback',
      'confirm-timeout',
      'activation-timeout',
      'result-path',
      'log-dir',
    ],
    short: { s: 'skip-checks', k: 'keep-result' },
  });
  const reference = parseFlakeReference(asked.positionals[0] ?? '.', call.cwd);
  const [node, profile = 'system', ...rest] = reference.attribute;
  if (node === undefined || rest.length > 0) throw new Unknown('expected FLAKE#NODE or FLAKE#NODE.PROFILE');
  if (!asked.has('skip-checks')) say(call, 'INFO', `Running checks for flake in ${reference.text.split('#')[0] ?? ''}`);
  say(call, 'INFO', `Evaluating flake in ${reference.text.split('#')[0] ?? ''}`);
  const spec = evaluated(reference, node, profile);
  const isOn = (name: string): boolean => (asked.value(name) ?? 'true') === 'true';
  return {
    node,
    spec,
    closure: closureOf(node, spec),
    hostname: asked.value('hostname') ?? spec.hostname,
    sshUser: asked.value('ssh-user') ?? 'root',
    sshOptions: (asked.value('ssh-opts') ?? '').split(' ').filter(Boolean),
    magicRollback: isOn('magic-rollback'),
    autoRollback: isOn('auto-rollback'),
    confirmTimeout: asked.value('confirm-timeout') ?? '30',
    activationTimeout: asked.value('activation-timeout'),
    boot: asked.has('boot'),
    dryActivate: asked.has('dry-activate'),
  };
}

/** Throws with what nix said, and what deploy-rs makes of it. */
function evaluated(reference: FlakeReference, node: string, profile: string): NodeSpec {
  try {
    const spec = nodeOf(readFlake(reference), node, reference);
    if (profile === 'system') return spec;
    throw new ToolError(`error: attribute '${profile}' missing`);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const what = 'Nix eval command resulted in a bad exit status: exit status: 1.';
    throw new ToolError(
      `${error.message}\n🚀 ${logPrefix('deploy', 'ERROR')} Failed to evaluate deployment data: ${what}`,
    );
  }
}

interface Failure {
  stage: 'push' | 'activate';
  message: string;
}

async function pushProfile(call: Call, options: Options): Promise<Failure | undefined> {
  const { node, closure, hostname, sshUser, sshOptions } = options;
  const plan = { user: 'root', ssh_user: sshUser, path: closure.path, hostname };
  const lines = Object.entries(plan).map(([key, value]) => `${key} = "${value}"`);
  const listed = `[${sshOptions.map((option) => JSON.stringify(option)).join(', ')}]`;
  say(
    call,
    'INFO',
    `The following profiles are going to be deployed:\n[${node}.system]\n${lines.join('\n')}\nssh_opts = ${listed}\n`,
  );
  // It says so twice.
  say(call, 'INFO', `Building profile \`system\` for node \`${node}\``);
  say(call, 'INFO', `Building profile \`system\` for node \`${node}\``);
  const attribute = `${call.args.at(-1)?.split('#')[0] ?? '.'}#deploy.nodes."${node}".profiles."system".path`;
  const built = await call.exec({ machine: call.machine, argv: ['nix', 'build', '--no-link', attribute] });
  if (built !== 0 || !isValid(call.root, closure.path))
    return { stage: 'push', message: `Failed to build profile system on node ${node}: Build exited with status 1` };
  say(call, 'INFO', `Copying profile \`system\` to node \`${node}\``);
  const argv = [
    'nix',
    'copy',
    '--substitute-on-destination',
    '--no-check-sigs',
    '--to',
    `ssh://${sshUser}@${hostname}`,
    closure.path,
  ];
  const env = { ...call.env, NIX_SSHOPTS: sshOptions.join(' ') };
  const copied = await call.exec({ machine: call.machine, argv, env });
  return copied === 0
    ? undefined
    : { stage: 'push', message: `Failed to push profile system to node ${node}: Copy exited with status ${copied}` };
}

async function activateProfile(call: Call, options: Options): Promise<Failure | undefined> {
  const { node, closure, boot, dryActivate, magicRollback, activationTimeout } = options;
  if (!dryActivate) say(call, 'INFO', `Activating profile \`system\` for node \`${node}\``);
  const activation = startSsh(call, options, activateCommand(options));
  if (!magicRollback || dryActivate || boot) {
    const code = await activation.ended;
    if (code !== 0) return badExit('SSH activation command', activation, code);
    say(
      call,
      'INFO',
      dryActivate ? 'Completed dry-activate!' : `Success activating${boot ? ' for next boot' : ''}, done!`,
    );
    return undefined;
  }
  say(call, 'INFO', 'Creating activation waiter');
  const timeout = activationTimeout === undefined ? '' : ` --activation-timeout ${activationTimeout}`;
  const waiter = startSsh(
    call,
    options,
    `${closure.path}/activate-rs wait '${closure.path}' --temp-path '/tmp'${timeout}`,
  );
  // A success of the activation alone decides nothing: the waiter does.
  const failed = activation.ended.then((code) =>
    code === 0 ? new Promise<never>(() => undefined) : { of: activation, code },
  );
  const first = await Promise.race([failed, waiter.ended.then((code) => ({ of: waiter, code }))]);
  if (first.code !== 0)
    return badExit(first.of === waiter ? 'SSH wait command' : 'SSH activation command', first.of, first.code);
  say(call, 'INFO', 'Success activating, attempting to confirm activation');
  const confirmation = startSsh(
    call,
    options,
    `rm /tmp/deploy-rs-canary-${basename(closure.path).split('-')[0] ?? ''}`,
  );
  const confirmed = await confirmation.ended;
  if (confirmed === 0) say(call, 'INFO', 'Deployment confirmed.');
  await activation.ended;
  if (confirmed === 0) return undefined;
  const failure = badExit('SSH confirmation command (the server should roll back)', confirmation, confirmed);
  return { ...failure, message: `Error confirming deployment: ${failure.message}` };
}

/** It says "command" twice. */
function badExit(what: string, { argv }: SshChild, code: number): Failure {
  const command = ['ssh', ...argv].map((word) => JSON.stringify(word)).join(' ');
  const message = `${what} command resulted in a bad exit status: exit status: ${code}. The failed command is provided below:\nCommand { std: ${command}, kill_on_drop: false }`;
  return { stage: 'activate', message };
}

function activateCommand({ closure, confirmTimeout, magicRollback, autoRollback, dryActivate, boot }: Options): string {
  const flags = { 'magic-rollback': magicRollback, 'auto-rollback': autoRollback, 'dry-activate': dryActivate, boot };
  const chosen = Object.entries(flags).flatMap(([flag, on]) => (on ? [` --${flag}`] : []));
  const profile = '--profile-user root --profile-name system';
  return `${closure.path}/activate-rs activate '${closure.path}' ${profile} --temp-path '/tmp' --confirm-timeout ${confirmTimeout}${chosen.join('')}`;
}

interface SshChild {
  argv: string[];
  ended: Promise<number>;
}

/** What it prints comes out of ours with a mark before each line. So our death breaks its pipe, and the host's with it. */
function startSsh(call: Call, { sshUser, hostname, sshOptions }: Options, command: string): SshChild {
  const argv = [`${sshUser}@${hostname}`, ...sshOptions, command];
  const child = spawn(join(call.root, 'bin', 'ssh'), argv, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...call.env } });
  const isLocal = (text: string): boolean => /^(ssh: |Host key |No \S+ host key |Connection )/.test(text);
  const pass = (write: (text: string) => void) => (text: string) => {
    write(isLocal(text) ? `${text}\n` : `📠 ${text}\n`);
  };
  createInterface({ input: child.stdout }).on('line', pass(call.out));
  createInterface({ input: child.stderr }).on('line', pass(call.err));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  return { argv, ended };
}

function say(call: Call, level: 'INFO' | 'ERROR', message: string): void {
  call.err(`🚀 ${logPrefix('deploy', level)} ${message}\n`);
}
