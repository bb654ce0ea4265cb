import { stripVTControlCharacters } from 'node:util';
import type { Host } from '../hosts/host.ts';
import { readUnitChanges, type UnitChanges } from './activation-units.ts';
import { deployTarget } from './flake-target.ts';
import { tail } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Copying a closure over a slow line; what was copied until then stays. */
const DRY_ACTIVATE_TIMEOUT_MS = 60 * 60_000;

export interface SshTarget {
  address: string;
  user: string;
  port: number;
  /** Private key on the worker. */
  identityFile?: string;
  /** Instead of the worker's own known_hosts. */
  knownHostsFile?: string;
  /** The name under which the host's key is in that file, if not its address. */
  hostKeyAlias?: string;
}

export interface Deployment {
  flakeRef: string;
  node: string;
  profile: string;
  host: SshTarget;
  /** Rolls back on the host unless the client confirms over a new connection. */
  magicRollback: boolean;
  /** Rolls back on the host when the activation fails. */
  autoRollback: boolean;
  confirmTimeoutSeconds: number;
  activationTimeoutSeconds: number;
  /** Sets the profile and the boot loader, activates nothing. */
  boot?: boolean;
  /** Copies the closure and says what would happen. */
  dryActivate?: boolean;
}

/**
 * What deploy-rs says of itself. Only a hint for the report: it calls a deployment confirmed that was rolled back, and
 * claims rollbacks that never happened. The host decides.
 */
export interface DeployClaim {
  claim:
    | 'confirmed'
    | 'activated'
    | 'set for next boot'
    | 'dry-activated'
    | 'cancelled'
    | 'confirmation failed'
    | 'activation failed'
    | 'build failed'
    | 'copy failed'
    | 'unreachable'
    | 'refused'
    | 'unknown';
  /** It says that the host went back to the generation before. */
  saysRolledBack: boolean;
  /** The end of what it printed, without colours. */
  tail: string;
}

/** `-g 0`: of the job's own process group. Where there is no pgrep, nothing is waited for. */
const UNTIL_CONNECTIONS_END =
  '"$@"; code=$?; while pgrep -g 0 -x ssh >/dev/null 2>&1; do sleep 0.1; done; exit "$code"';

/**
 * The command line for a long job on the worker: it ends when the connections of deploy-rs have ended as well. deploy-rs
 * itself returns while the host still goes back, and dies there of what it prints once the job's processes are ended.
 */
export function deployJobArgv(deployment: Deployment): string[] {
  return ['sh', '-c', UNTIL_CONNECTIONS_END, 'sh', ...deployArgv(deployment)];
}

/**
 * Checks of the whole flake are skipped: one broken node must not keep
 * another from its upgrade.
 * Throws a TypeError for what deploy-rs would take apart (it splits ssh's options at each space) and a RangeError for
 * time-outs that it does not take.
 */
export function deployArgv(deployment: Deployment): string[] {
  const { flakeRef, node, profile, host, boot = false, dryActivate = false } = deployment;
  if (boot && dryActivate) throw new TypeError('Expected one of boot and dryActivate, got both.');
  return [
    'deploy',
    '--skip-checks',
    '--hostname',
    unsplit('address', host.address),
    '--ssh-user',
    unsplit('user', host.user),
    '--ssh-opts',
    sshOptions(host).join(' '),
    '--magic-rollback',
    String(deployment.magicRollback),
    '--auto-rollback',
    String(deployment.autoRollback),
    '--confirm-timeout',
    seconds(deployment.confirmTimeoutSeconds),
    '--activation-timeout',
    seconds(deployment.activationTimeoutSeconds),
    ...(boot ? ['--boot'] : []),
    ...(dryActivate ? ['--dry-activate'] : []),
    deployTarget(flakeRef, node, profile),
  ];
}

/** Reads what a deployment printed; `output` may have its two streams one after the other. */
export function readDeployOutput({ exitCode, stdout, stderr }: DeployOutput): DeployClaim {
  const output = stripVTControlCharacters(`${stdout}\n${stderr}`);
  const claims = exitCode === 0 ? [GAVE_UP_WAITING, ...SUCCESSES] : [GAVE_UP_WAITING, ...FAILURES];
  const claim = claims.find(([pattern]) => pattern.test(output))?.[1] ?? 'unknown';
  return { claim, saysRolledBack: /rolled back to previous generation/.test(output), tail: tail(output) };
}

/** The units that an activation has said so far that it stops, starts, restarts: for live progress. */
export function restartingUnits(lines: readonly string[]): UnitChanges {
  return readUnitChanges(lines.map((line) => stripVTControlCharacters(line)));
}

/**
 * Copies the closure to the host and asks what activating it would do. Changes nothing else there.
 * `host`: the worker's own machine.
 */
export async function dryActivate(
  host: Host,
  deployment: Omit<Deployment, 'dryActivate' | 'boot'>,
  options: ToolOptions = {},
): Promise<{ type: 'would'; units: UnitChanges } | { type: 'failed'; claim: DeployClaim }> {
  const argv = deployArgv({ ...deployment, dryActivate: true });
  const result = await host.run(argv, { timeoutMs: DRY_ACTIVATE_TIMEOUT_MS, ...withSignal(options) });
  const claim = readDeployOutput(result);
  if (claim.claim !== 'dry-activated') return { type: 'failed', claim };
  return { type: 'would', units: readUnitChanges(stripVTControlCharacters(`${result.stdout}\n${result.stderr}`)) };
}

export interface DeployOutput {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Printed on the host when nobody confirmed in time. It then rolls back, which can open the way again: a confirmation
 * that comes after that succeeds, and the client says `Deployment confirmed.` with exit code 0.
 */
const GAVE_UP_WAITING = [/Failed to get activation confirmation/, 'confirmation failed'] as const;

/** The texts of deploy-rs 1.0.0. */
const SUCCESSES: readonly [RegExp, DeployClaim['claim']][] = [
  [/Deployment confirmed\./, 'confirmed'],
  [/Completed dry-activate!/, 'dry-activated'],
  [/Success activating for next boot/, 'set for next boot'],
  [/Success activating, done!/, 'activated'],
];

/** In this order: a deployment that could not be confirmed or copied also prints what ssh said. */
const FAILURES: readonly [RegExp, DeployClaim['claim']][] = [
  [/Error confirming deployment/, 'confirmation failed'],
  [/Activation cancelled by deployment client/, 'cancelled'],
  [/Failed to evaluate deployment data|Failed to build profile/, 'build failed'],
  [/Host key verification failed|Permission denied \(/, 'refused'],
  [/ssh: connect to host |ssh: Could not resolve hostname/, 'unreachable'],
  [
    /Connection (?:to \S+ )?(?:closed|reset) by |client_loop: send disconnect|Timeout, server .* not responding/,
    'unreachable',
  ],
  [/Failed to push profile/, 'copy failed'],
  // ssh's own exit code, whatever it said: there are many ways for a connection to break.
  [/SSH (?:activation|wait) command .*resulted in a bad exit status: exit status: 255\./, 'unreachable'],
  [/SSH (?:activation|wait) command .*resulted in a bad exit|over SSH resulted in a bad exit/, 'activation failed'],
];

/**
 * Without a terminal nobody can answer, and a host that went away is given up within 15 s. Never over a connection that
 * is open already: magic rollback is there to find out that no new one can be made.
 */
export function sshOptions({ port, identityFile, knownHostsFile, hostKeyAlias }: SshTarget): string[] {
  return [
    ...['-p', String(port)],
    ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'ConnectTimeout=15'],
    ...['-o', 'ControlPath=none', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'],
    ...(identityFile === undefined ? [] : ['-i', unsplit('identityFile', identityFile), '-o', 'IdentitiesOnly=yes']),
    ...(knownHostsFile === undefined ? [] : ['-o', `UserKnownHostsFile=${unsplit('knownHostsFile', knownHostsFile)}`]),
    ...(hostKeyAlias === undefined ? [] : ['-o', `HostKeyAlias=${unsplit('hostKeyAlias', hostKeyAlias)}`]),
  ];
}

function unsplit(what: string, text: string): string {
  if (/^[^\s-][^\s]*$/.test(text)) return text;
  throw new TypeError(`Expected ${what} without spaces and leading dash, got ${JSON.stringify(text)}.`);
}

function seconds(count: number): string {
  if (Number.isInteger(count) && count >= 1 && count <= 65_535) return String(count);
  throw new RangeError(`Expected 1 to 65535 whole seconds, got ${count}.`);
}
