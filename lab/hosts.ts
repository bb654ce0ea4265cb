import { join } from 'node:path';
import { machinesOf } from './machines.ts';
import { hostNamed, nodeNamed } from './nodes.ts';
import type { RunRecord } from './run-record.ts';
import { run, type Ran, type RunOptions } from './shell.ts';

/** The ssh host keys of all nodes, `n1` and `n1.pub` …: a new root disk gets its host's again. */
export const keysOf = (record: RunRecord): string => join(record.folder, 'keys');

export const isOn = (record: RunRecord, host: string): Promise<boolean> =>
  machinesOf(record).isOn(record, hostNamed(host));

/** Switches a host on and waits until commands can be run there, not for its services. Idempotent. */
export const powerOn = (record: RunRecord, host: string): Promise<void> =>
  machinesOf(record).powerOn(record, hostNamed(host));

/** Pulls the plug of a host. Idempotent. */
export const powerOff = (record: RunRecord, host: string): Promise<void> =>
  machinesOf(record).powerOff(record, hostNamed(host));

/** Pulls the plug, puts a newly installed root disk in, and switches on: Incus and the profile are gone, the pool is not. */
export async function replaceRootDisk(record: RunRecord, name: string): Promise<void> {
  const host = hostNamed(name);
  await powerOff(record, name);
  await machinesOf(record).installHost(record, host, join(keysOf(record), name));
}

const CLEAN = [
  'env',
  '-i',
  '-C',
  '/root',
  'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
];

/**
 * The argv that runs `argv` as root on a host, or in a guest by way of its host, and also works with the network cut or
 * sshd stopped. Throws where the host is off.
 */
export async function inside(record: RunRecord, name: string, argv: readonly string[]): Promise<string[]> {
  const node = nodeNamed(name);
  if (!(await isOn(record, node.host)))
    throw new Error(`${node.host} is off: \`npm run lab -- power on ${node.host}\``);
  const command = node.type === 'host' ? argv : ['incus', 'exec', node.name, '-T', '--', ...argv];
  return machinesOf(record).enter(record, hostNamed(node.host), [...CLEAN, ...command]);
}

/** Runs a command on a host or in a guest; resolves for any exit code. Default time-out: 60 s, five minutes on slow hosts. */
export async function runOn(
  record: RunRecord,
  name: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return run(await inside(record, name, argv), { timeoutMs: 60_000 * machinesOf(record).patience, ...options });
}

/** As {@link runOn} for a command that has to succeed: throws with its output where it does not. */
export async function checkOn(
  record: RunRecord,
  name: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await runOn(record, name, argv, options);
  if (exitCode !== 0)
    throw new Error(`${name}: ${argv.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`.trimEnd());
  return stdout;
}
