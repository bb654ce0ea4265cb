import { REGISTRY } from '../nodes.ts';
import type { Recorder } from './recorder.ts';

const IMAGE = `${REGISTRY}/web:latest`;
const KEPT = 'localhost/runbook/run-1:web';

export async function recordPodman(recorder: Recorder): Promise<void> {
  const on = (note: string, ...argv: string[]) => recorder.on('g1', note, ['podman', ...argv]);
  const container = (note: string) => on(note, 'container', 'inspect', 'web');
  const image = (note: string, name = IMAGE) => on(note, 'image', 'inspect', name);
  const restart = async (note: string): Promise<void> => {
    await recorder.on('g1', note, ['systemctl', 'restart', '--', 'web.service']);
    await recorder.lab.online();
  };
  await on('version', '--version');
  await image('the image');
  const before = imageIn((await container('the container')).stdout);
  await on('pull, nothing new', 'pull', '--quiet', IMAGE);
  await on('the old one gets a name', 'tag', before, KEPT);
  await recorder.publish('2', true);
  await on('pull, a new one', 'pull', '--quiet', IMAGE);
  await image('the tag is the new one');
  await container('the container still has the old one');
  await restart('restart of its unit');
  await container('the container has the new one');
  await on('the tag is put back on the old one', 'tag', before, IMAGE);
  await image('the tag is the old one');
  await restart('restart with the old one');
  await container('the container has the old one again');
  await on('the name is taken away', 'rmi', KEPT);
  await on('the name is taken away again', 'rmi', KEPT);
  await image('missing image', 'nope:latest');
  await on('missing container', 'container', 'inspect', 'nope');
  await on('tag of a missing image', 'tag', 'nope:latest', IMAGE);
  await on('pull of what the registry has not', 'pull', '--quiet', `${REGISTRY}/nope:latest`);
}

const imageIn = (stdout: string): string => (JSON.parse(stdout) as { Image: string }[])[0]?.Image ?? '';
