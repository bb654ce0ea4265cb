import { writeFile } from 'node:fs/promises';
import { until } from '../shell.ts';
import { NOBODY } from './addresses.ts';
import { brokenFlake } from './nix.ts';
import { deployArgv, flake, type Deployment } from './deploy-commands.ts';
import type { Recorder } from './recorder.ts';

const PROFILE = '/nix/var/nix/profiles/system';
const GENERATIONS = ['nix-env', '-p', PROFILE, '--list-generations'];
const EARLY = 'the client may return before the rollback has ended';
/** A failing hook. */
const FAILS = 'echo no >&2; exit 1';

export async function recordDeploys(recorder: Recorder): Promise<void> {
  await recorder.here('version', ['deploy', '--version']);
  for (const node of ['n1', 'g1']) await recordNode(recorder, node);
  const failing = await recorder.setSpec('n1', { hook: FAILS, version: '26.05.5' });
  await deployed(recorder, 'n1: the activation fails, nothing is rolled back', 'n1', failing, {
    magicRollback: false,
    autoRollback: false,
  });
  const healthy = await recorder.setSpec('n1', { hook: '', version: '26.05.6' });
  await deployed(recorder, 'n1: forward again, without magic rollback', 'n1', healthy, { magicRollback: false });
  await recordMisfits(recorder, healthy);
  const stopsSshd = await recorder.setSpec('n1', { hook: 'systemctl --no-block stop ssh', version: '26.05.7' });
  await deployed(recorder, 'the activation stops sshd: magic rollback', 'n1', stopsSshd);
  await recorder.run('n1', ['systemctl', 'start', 'ssh']);
  const canaries = ['find', '/tmp', '-maxdepth', '1', '-name', 'deploy-rs-c*'];
  const { stdout } = await recorder.on('n1', 'what is left of it', canaries);
  await recorder.on('n1', 'its removal', ['rm', '-f', '--', ...stdout.trim().split('\n')]);
  await recorder.on('n1', 'nothing is left of it', canaries);
}

async function recordNode(recorder: Recorder, node: string): Promise<void> {
  const second = await recorder.setSpec(node, { version: '26.05.2', app: 'v2' });
  await deployed(recorder, `${node}: dry activation`, node, second, { dryActivate: true });
  await deployed(recorder, `${node}: success`, node, second);
  await deployed(recorder, `${node}: the same again`, node, second);
  const failing = await recorder.setSpec(node, { version: '26.05.3', hook: FAILS });
  await deploy(recorder, `${node}: the activation fails`, node, failing);
  await recorder.on(node, 'generations at once', GENERATIONS, { varies: EARLY });
  await until('the end of the rollback', async () => {
    const { stdout } = await recorder.run(node, GENERATIONS);
    return stdout.trim().split('\n').length === 2 ? { value: undefined } : { not: stdout };
  });
  await lookAt(recorder, node);
  const third = await recorder.setSpec(node, { version: '26.05.4', hook: '', kernel: '6.12.2' });
  await deployed(recorder, `${node}: for the next boot`, node, third, { boot: true });
}

/** What fails before the host is touched. */
async function recordMisfits(recorder: Recorder, revision: string): Promise<void> {
  await deploy(recorder, 'a flake that does not evaluate', 'n1', '0'.repeat(40));
  const of = (target: string): string[] => deployArgv(recorder, 'n1', revision).with(-1, target);
  await recorder.here('no such node', of(`${flake(recorder, revision)}#nope.system`));
  await recorder.here('a system that cannot be built', of(`${await brokenFlake(recorder)}#n3.system`));
  await deploy(recorder, 'no such profile', 'n1', revision, { profile: 'nope' });
  await writeFile(recorder.file('no-known-hosts'), '');
  await deploy(recorder, 'a host key that is not known', 'n1', revision, { knownHosts: 'no-known-hosts' });
  await deploy(recorder, 'not reachable', 'n1', revision, { hostname: NOBODY(recorder.lab) });
  await lookAt(recorder, 'n1');
}

const deploy = (
  recorder: Recorder,
  note: string,
  node: string,
  revision: string,
  options?: Deployment,
): Promise<unknown> => recorder.here(note, deployArgv(recorder, node, revision, options));

async function deployed(...all: Parameters<typeof deploy>): Promise<void> {
  await deploy(...all);
  const [recorder, , node] = all;
  await lookAt(recorder, node);
}

async function lookAt(recorder: Recorder, node: string): Promise<void> {
  await recorder.on(node, 'generations then', GENERATIONS);
  await recorder.on(node, 'profile and current system then', ['readlink', '-m', '--', PROFILE, '/run/current-system']);
}
