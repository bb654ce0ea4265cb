import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupOf, killCgroup } from '../cgroups.ts';
import { startDaemon } from '../daemon.ts';
import { hostFolder } from '../disks.ts';
import { switchOf } from '../network.ts';
import type { Node } from '../nodes.ts';
import { quote } from '../quote.ts';
import type { RunRecord } from '../run-record.ts';
import { run, until } from '../shell.ts';

/** On the loopback interface of the switch's namespace: no other lab and nobody else can meet it. */
export const consolePort = (host: Node): number => 2200 + host.index;

const cgroup = (host: Node): string => `${host.name}-console`;
const socketOf = (record: RunRecord, host: Node): string => join(hostFolder(record, host.name), 'console.ssh');

/** ssh to a second sshd, on the network card that only the emulator has: what is done to the lab's network or its sshd does not touch it. */
function ssh(record: RunRecord, host: Node, ...more: readonly string[]): string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'ConnectTimeout=10',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'KexAlgorithms=curve25519-sha256', // the cheapest: emulated processors take seconds for the others
    `ControlPath=${socketOf(record, host)}`,
  ].flatMap((option) => ['-o', option]);
  const identity = ['-i', join(record.folder, 'id')];
  const port = ['-p', String(consolePort(host))];
  return ['ip', 'netns', 'exec', switchOf(record), 'ssh', '-F', 'none', ...identity, ...options, ...port, ...more];
}

/** The argv that runs a command on the host. By the open connection where there is one: 0.1 s instead of 1.4. */
export const consoleArgv = (record: RunRecord, host: Node, argv: readonly string[]): string[] =>
  ssh(record, host, 'root@127.0.0.1', argv.map(quote).join(' '));

/** Waits until the host takes commands, and keeps a connection open. */
export async function waitForConsole(record: RunRecord, host: Node): Promise<void> {
  const answers = async (): Promise<{ value: undefined } | { not: string }> => {
    const { exitCode, stderr } = await run(consoleArgv(record, host, ['true']), { timeoutMs: 15_000 });
    return exitCode === 0 ? { value: undefined } : { not: stderr.trim() };
  };
  await until(`the console of ${host.name}`, answers, { timeoutMs: 300_000, everyMs: 300 });
  if (existsSync(socketOf(record, host))) return;
  const log = join(hostFolder(record, host.name), 'console.log');
  await startDaemon(record, ssh(record, host, '-M', '-N', 'root@127.0.0.1'), { log, cgroup: cgroup(host) });
}

/** Ends the open connection: it does not outlive the state of the host that it was opened in. Idempotent. */
export async function hangUp(record: RunRecord, host: Node): Promise<void> {
  await killCgroup(cgroupOf(record, cgroup(host)));
  await rm(socketOf(record, host), { force: true });
}
