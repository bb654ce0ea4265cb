import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { until } from '../../../lab/shell.ts';
import { aNetwork, execIn, startContainer, type Container } from './container.ts';
import type { Compose, Service } from './file.ts';
import { imageOf, type Surroundings } from './images.ts';

export interface Project {
  /** In the network of the services, as a program of their machine. */
  inside: (argv: readonly string[]) => string[];
  /** SIGKILL of all that a service is; Compose starts it again. Resolves when it is healthy. */
  killed: (name: string) => Promise<void>;
  /** SIGKILL of everything. What is on disk stays. */
  down: () => Promise<void>;
}

interface Running {
  container: Container;
  process: ChildProcess;
  output: string;
}

/** Starts services and what they wait for, in Compose’s order and by its conditions, until all of them are healthy. */
export async function up(compose: Compose, names: readonly string[], surroundings: Surroundings): Promise<Project> {
  const { inside, leave } = await aNetwork();
  const running = new Map<string, Running>();
  let isOver = false;

  const launch = (name: string, service: Service): Running => {
    const container = containerOf(compose, name, service, surroundings);
    const child = startContainer(container, inside);
    const started: Running = { container, process: child, output: '' };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (started.output = (started.output + chunk.toString()).slice(-4000)));
    running.set(name, started);
    if (service.restart === 'unless-stopped')
      child.once('exit', () => {
        if (!isOver) launch(name, service);
      });
    return started;
  };
  const isHealthy = (name: string, { healthcheck }: Service): Promise<void> =>
    until(
      `${name} is healthy`,
      async () => {
        const now = running.get(name);
        if (now === undefined || now.process.exitCode !== null) return { not: now?.output ?? 'not started' };
        const [, ...test] = healthcheck?.test ?? [];
        const code = await execIn(now.process, now.container, test).catch(() => -1);
        return code === 0 ? { value: undefined } : { not: `exit code ${code}\n${now.output}` };
      },
      { timeoutMs: 60_000, everyMs: 300 },
    );
  const start = async (name: string): Promise<void> => {
    const service = compose.services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    for (const each of Object.keys(service.depends_on ?? {})) if (!running.has(each)) await start(each);
    const started = launch(name, service);
    if (service.restart === 'unless-stopped') return isHealthy(name, service);
    const [code] = (await once(started.process, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${name} ended with ${code}:\n${started.output}`);
  };
  const down = async (): Promise<void> => {
    isOver = true;
    for (const { process: each } of running.values()) {
      if (each.exitCode !== null || each.signalCode !== null) continue;
      each.kill('SIGKILL');
      await once(each, 'close');
    }
    leave();
  };
  try {
    for (const name of names) await start(name);
  } catch (error) {
    await down();
    throw error;
  }
  const killed = async (name: string): Promise<void> => {
    const service = compose.services[name];
    const before = running.get(name)?.process;
    if (service === undefined || before === undefined) throw new Error(`${name} is not up`);
    before.kill('SIGKILL');
    await once(before, 'exit');
    await isHealthy(name, service);
  };
  return { inside, killed, down };
}

function containerOf(compose: Compose, name: string, service: Service, surroundings: Surroundings): Container {
  const {
    uid = Number(service.user ?? surroundings.uid),
    mounts,
    env,
    argv = [],
    ...image
  } = imageOf(service.image.replace(/:.*$/, ''), surroundings);
  const secrets = (service.secrets ?? []).map((secret): [string, string] => {
    const { file } = compose.secrets[secret] ?? { file: '' };
    return [resolve(surroundings.folder, file), `/run/secrets/${secret}`];
  });
  const files = (service.volumes ?? [])
    .map((volume) => volume.split(':'))
    .filter(([, to = '']) => to.startsWith('/etc/'))
    .map(([from = '', to = '']): [string, string] => [join(surroundings.source, from), to]);
  return {
    ...image,
    name,
    uid,
    mounts: { ...mounts, ...Object.fromEntries([...secrets, ...files]) },
    env: { ...env, ...service.environment },
    argv: [...argv, ...(service.entrypoint ?? []), ...(service.command ?? [])],
  };
}
