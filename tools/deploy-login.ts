import { HostError, type Host, type RunResult } from '../hosts/host.ts';
import { sshFailure } from '../hosts/ssh-failure.ts';
import { sshOptions, type SshTarget } from './deploy-rs.ts';
import { tail } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** ssh gives up a host that does not answer after 15 s. */
const TIMEOUT_MS = 30_000;

export type DeployLogin =
  | { type: 'logged in' }
  /** The user is not root, and deploy-rs, which asks `sudo` for that, could not answer a question for a password. */
  | { type: 'no sudo'; said: string }
  /** Trying again does not help. `said`: ssh's own words, `meaning`: a clause for them. */
  | { type: 'refused'; meaning: string; said: string };

/**
 * Logs in as deploy-rs will: with its options and over a connection of its own, which is not the way that the worker
 * goes otherwise. `local`: the worker's own machine. Changes nothing.
 * @throws {HostError} `Unreachable` where there is no connection at all.
 */
export async function tryDeployLogin(local: Host, target: SshTarget, options: ToolOptions = {}): Promise<DeployLogin> {
  const login = ['ssh', ...sshOptions(target), '-l', target.user, '--', target.address];
  const run = (command: string) => local.run([...login, command], { timeoutMs: TIMEOUT_MS, ...withSignal(options) });
  const entered = await run('true');
  if (entered.exitCode !== 0) return refusal(target, entered);
  if (target.user === 'root') return { type: 'logged in' };
  const became = await run('sudo -n true');
  return became.exitCode === 0 ? { type: 'logged in' } : { type: 'no sudo', said: tail(became.stderr) };
}

function refusal({ address }: SshTarget, { stderr, exitCode }: RunResult): DeployLogin {
  const said = tail(stderr);
  const { type, meaning } = sshFailure(stderr, exitCode);
  if (type === 'Refused') return { type: 'refused', meaning, said };
  throw new HostError(type, address, `Could not log in to ${address}: ${said}`, { output: said });
}
