import { join } from 'node:path';
import { binOf } from './control.ts';
import { nodeNamed } from './nodes.ts';
import { repositoryOf } from './repository.ts';
import type { RunRecord } from './run-record.ts';
import { check } from './shell.ts';
import { sshArgv } from './ssh.ts';

/** Deploys a node by hand, as `deploy .#NODE` with the lab's key: what a machine needs once, before a run can look after it. */
export async function deployByHand(record: RunRecord, node: string): Promise<void> {
  const sshOptions = sshArgv(record, nodeNamed(node).name, []).slice(1, -1).join(' ');
  const argv = [join(binOf(record), 'deploy'), '--skip-checks', '--ssh-opts', sshOptions, `.#${node}`];
  await check(argv, { cwd: repositoryOf(record) });
}
