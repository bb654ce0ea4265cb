import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { ToolError, type Call } from './core/call.ts';
import { claimFault, CONNECTION_FAULTS, type Moment } from './core/faults.ts';
import { hostKeyOf } from './core/host-key.ts';
import { intoRoot } from './core/paths.ts';
import { connectionProblem } from './core/reachability.ts';
import type { Machine, State } from './core/state.ts';
import { readSshArguments, type SshArguments } from './ssh-arguments.ts';

const CONNECTION_FAILED = 255;
/** The machine's own, which sees to the paths in a script, would only become this one. */
const REAL_SHELL = '/bin/sh';

/**
 * OpenSSH's client in batch mode. The remote shell is the real `sh`, with the machine's own programs in its PATH and the
 * absolute paths of the command put under the machine's root. Each command is a connection of its own: there is no master.
 */
export async function ssh(call: Call): Promise<number> {
  if (call.args.length === 1 && call.args[0] === '-V') {
    call.err('OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1 1 Jul 2025\n');
    return 0;
  }
  const asked = readSshArguments(call.args);
  if (asked.control !== undefined)
    throw new ToolError(
      `Control socket connect(${asked.option('ControlPath') ?? ''}): No such file or directory\r`,
      CONNECTION_FAILED,
    );
  const state = call.store.read();
  const machine = findMachine(state, asked.host);
  if (!machine) throw nobodyThere(asked);
  const problem = asked.port === 22 ? connectionProblem(state, machine) : 'Connection refused';
  if (problem !== undefined) throw cannotConnect(asked, problem);
  checkHostKey(asked, machine);

  const strikes = (when: Moment['when']) =>
    claimFault(call.store, {
      machine: machine.name,
      tool: 'ssh',
      args: [asked.command],
      words: asked.command.split(/[\s'";|&()]+/),
      kinds: CONNECTION_FAULTS,
      when,
    });
  const before = await strikes('before');
  if (before?.effect.type === 'unreachable') throw cannotConnect(asked, 'Connection timed out');
  if (before) throw new ToolError('client_loop: send disconnect: Broken pipe\r', CONNECTION_FAILED);
  if (!(await strikes('after'))) return runRemote(call, machine, asked.command);
  await runRemote(call, machine, asked.command, { out: ignore, err: ignore });
  throw new ToolError(`Connection to ${asked.host} closed by remote host.\r`, CONNECTION_FAILED);
}

function cannotConnect({ host, port }: SshArguments, problem: string): ToolError {
  return new ToolError(`ssh: connect to host ${host} port ${port}: ${problem}\r`, CONNECTION_FAILED);
}

function nobodyThere(asked: SshArguments): ToolError {
  if (isIP(asked.host) !== 0) return cannotConnect(asked, 'No route to host');
  return new ToolError(`ssh: Could not resolve hostname ${asked.host}: Name or service not known\r`, CONNECTION_FAILED);
}

export function findMachine(state: State, host: string): Machine | undefined {
  return Object.values(state.machines).find(({ name, address }) => address === host || name === host);
}

/** It leads a process group of its own, as under sshd, and lives on when the client is killed. */
async function runRemote(
  call: Call,
  machine: Machine,
  command: string,
  streams: { out?: (text: string) => void; err?: (text: string) => void } = {},
): Promise<number> {
  const root = call.store.root(machine.name);
  const argv = ['sh', '-c', intoRoot(command, root)];
  const exitCode = await call.runProgram(REAL_SHELL, { machine: machine.name, argv, ...streams }, root, {
    remote: true,
  });
  // A signal's number does not come over the wire.
  return exitCode > 128 ? CONNECTION_FAILED : exitCode;
}

/** As OpenSSH with StrictHostKeyChecking, which is on unless it is turned off. The machine's own files are not looked at. */
export function checkHostKey(asked: SshArguments, machine: Machine): void {
  if (asked.option('StrictHostKeyChecking') === 'no') return;
  const alias = asked.option('HostKeyAlias') ?? (asked.port === 22 ? asked.host : `[${asked.host}]:${asked.port}`);
  const known = (asked.option('UserKnownHostsFile') ?? '')
    .split(' ')
    .filter((path) => path !== '' && existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([names]) => names?.split(',').includes(alias))
    .map(([, type, key]) => `${type ?? ''} ${key ?? ''}`);
  if (known.includes(hostKeyOf(machine.hostKey ?? machine.name))) return;
  const what =
    known.length === 0
      ? `No ED25519 host key is known for ${alias} and you have requested strict checking.\r`
      : `@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key for ${alias} has changed and you have requested strict checking.\r`;
  throw new ToolError(`${what}\nHost key verification failed.\r`, CONNECTION_FAILED);
}

function ignore(): void {
  return;
}
