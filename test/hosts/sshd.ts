import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { SshConnection } from '../../hosts/ssh-options.ts';

/** Debian keeps sshd outside of a user's PATH, NixOS in the system profile. */
const FOLDERS = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/run/current-system/sw/bin',
];

export interface TestSshd {
  connection: SshConnection;
  folder: string;
  /** Every process that serves a connection, ended as by a power cut. */
  cutConnections(): void;
  stop(): Promise<void>;
  /** Connections stay open and nobody answers on them: how a machine that lost its power looks from afar. */
  freezeConnections(): void;
}

/** Path of sshd, or why the tests that need it can't run here. */
export function findSshd(): { path: string } | { missing: string } {
  const path = FOLDERS.map((folder) => join(folder, 'sshd')).find(isExecutable);
  if (path === undefined) return { missing: 'sshd is not installed' };
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const folder = mkdtempSync(join(tmpdir(), 'runbook-sshd-'));
  try {
    makeKey(join(folder, 'host'));
    execFileSync(path, ['-t', '-f', '/dev/null', '-h', join(folder, 'host')], { stdio: 'pipe' });
    return { path };
  } catch (error) {
    return { missing: `sshd does not start here: ${String((error as { stderr?: unknown }).stderr)}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A real sshd on loopback, on a free port, for the current user, with keys of its own. */
export async function startSshd(path: string): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'rb-'));
  const [host, user] = [join(folder, 'host'), join(folder, 'user')];
  makeKey(host);
  makeKey(user);
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(`${user}.pub`), { mode: 0o600 });
  const port = await freePort();
  writeFileSync(join(folder, 'config'), configuration(folder, port));
  const server = spawn(path, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await accepting(port, server, () => log);
  const hostKey = readFileSync(`${host}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  return {
    folder,
    connection: {
      name: 'loopback',
      address: '127.0.0.1',
      user: userInfo().username,
      port,
      identityFile: user,
      hostKey,
      controlDir: join(folder, 'c'),
    },
    cutConnections: () => {
      signalAll(descendants(server.pid), 'SIGKILL');
    },
    freezeConnections: () => {
      signalAll(descendants(server.pid), 'SIGSTOP');
    },
    stop: async () => {
      signalAll(descendants(server.pid), 'SIGKILL');
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      rmSync(folder, { recursive: true });
    },
  };
}

function configuration(folder: string, port: number): string {
  return `Port ${port}
ListenAddress 127.0.0.1
HostKey ${folder}/host
AuthorizedKeysFile ${folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# A shell that sshd starts reads its user's files, and what those say is no part of a test.
SetEnv HOME=${folder}
`;
}

function makeKey(path: string): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function accepting(port: number, server: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (server.exitCode !== null) break;
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`sshd did not come up: ${log()}`);
}

/** Children of children of `pid`, from /proc. */
function descendants(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
