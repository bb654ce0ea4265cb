import { REGISTRY } from '../nodes.ts';
import { until } from '../shell.ts';
import type { Recorder } from './recorder.ts';

const IMAGE = `${REGISTRY}/web:latest`;
const KEPT = 'localhost/runbook/run-1:web';
const FILE = '/srv/web/compose.yaml';
const COMPOSE = `services:
  web:
    image: ${IMAGE}
    network_mode: host
    stop_signal: SIGKILL
`;

/** On a host: nothing else there uses docker, so its daemon is started first. */
export async function recordDocker(recorder: Recorder): Promise<void> {
  await startDaemon(recorder);
  const on = (note: string, ...argv: string[]) => recorder.on('n2', note, ['docker', ...argv]);
  const project = `label=com.docker.compose.project.working_dir=/srv/web`;
  const list = (note: string) => on(note, 'ps', '--all', '--quiet', '--no-trunc', '--filter', project);
  const compose = (note: string, ...argv: string[]) => on(note, 'compose', '--file', FILE, ...argv);
  const up = ['up', '--detach', '--pull', 'never'];
  await on('version', '--version');
  await list('no containers');
  await compose('up without an image', ...up);
  await compose('pull', 'pull', '--quiet');
  await compose('up', ...up);
  const id = (await list('its containers')).stdout.trim();
  const before = imageIn((await on('its container', 'container', 'inspect', id)).stdout);
  await on('its image', 'image', 'inspect', before);
  await on('the image by name', 'image', 'inspect', IMAGE);
  await on('the old one gets a name', 'tag', before, KEPT);
  await recorder.publish('docker-2', true);
  await compose('pull, a new one', 'pull', '--quiet');
  await on('the tag is the new one', 'image', 'inspect', IMAGE);
  await compose('up with the new one', ...up);
  await on('the tag is put back on the old one', 'tag', before, IMAGE);
  await compose('up with the old one', ...up, '--force-recreate');
  await on('pull by name', 'pull', '--quiet', IMAGE);
  await on('the name is taken away', 'rmi', KEPT);
  await on('the name is taken away again', 'rmi', KEPT);
  await on('missing image', 'image', 'inspect', 'nope:latest');
  await on('missing container', 'container', 'inspect', 'nope');
  await on('tag of a missing image', 'tag', 'nope:latest', IMAGE);
  await on('pull of what the registry has not', 'pull', '--quiet', `${REGISTRY}/nope:latest`);
  await on('no such file', 'compose', '--file', '/srv/nope/compose.yaml', ...up);
  await recorder.run('n2', ['docker', 'compose', '--file', FILE, 'down']);
  await recorder.run('n2', ['systemctl', 'stop', 'dockerd']);
}

async function startDaemon({ lab }: Recorder): Promise<void> {
  await lab.run('n2', ['mkdir', '-p', '/srv/web']);
  await lab.run('n2', ['sh', '-c', `cat >${FILE}`], { input: COMPOSE });
  const daemon = [
    ...['dockerd', '--iptables=false', '--ip6tables=false', '--bridge=none', '--data-root=/data/docker'],
    ...['--storage-driver=vfs', '--exec-opt=native.cgroupdriver=cgroupfs', `--insecure-registry=${REGISTRY}`],
  ];
  await lab.run('n2', ['systemd-run', '--quiet', '--unit=dockerd', '--', ...daemon]);
  await until('docker', async () => {
    const { exitCode, stderr } = await lab.run('n2', ['docker', 'version']);
    return exitCode === 0 ? { value: undefined } : { not: stderr };
  });
}

const imageIn = (stdout: string): string => (JSON.parse(stdout) as { Image: string }[])[0]?.Image ?? '';
