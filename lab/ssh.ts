import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { address, nodeNamed, NODES } from './nodes.ts';
import { identityOf, type Facts } from './repository.ts';
import type { RunRecord } from './run-record.ts';

const knownHostsOf = (record: RunRecord): string => join(record.folder, 'known_hosts');

/** Pins the host key of every host and guest at this run's addresses. */
export async function writeKnownHosts(record: RunRecord, facts: Facts): Promise<void> {
  const lines = NODES.map((node) => `${address(record.number, node)} ${facts.hostKeys[node.name] ?? ''}\n`);
  await writeFile(knownHostsOf(record), lines.join(''));
}

/** The argv of an ssh to a host or guest, as root, with its key checked. */
export function sshArgv(record: RunRecord, name: string, command: readonly string[]): string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'ConnectTimeout=5',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHostsOf(record)}`,
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option]);
  const target = `root@${address(record.number, nodeNamed(name))}`;
  return ['ssh', '-F', 'none', '-i', identityOf(record), ...options, target, ...command];
}
