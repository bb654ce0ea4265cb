/** A worker in small: does the one thing that it is told, on this machine or over ssh, and can be killed meanwhile. */
import type { Host } from '../../hosts/host.ts';
import { createLocalHost } from '../../hosts/local.ts';
import { createSshHost, type SshHostSettings } from '../../hosts/ssh.ts';

type WorkerTask =
  { type: 'run'; argv: string[] } | { type: 'start job'; name: string; argv: string[]; timeoutMs: number };

export interface WorkerOrder {
  host: { type: 'local'; stateDir: string } | { type: 'ssh'; settings: SshHostSettings };
  task: WorkerTask;
}

async function work({ host, task }: WorkerOrder): Promise<void> {
  const on: Host = host.type === 'local' ? createLocalHost(host) : createSshHost(host.settings);
  switch (task.type) {
    case 'run':
      await on.run(task.argv, { timeoutMs: 600_000 });
      return;
    case 'start job': {
      process.stdout.write(`${(await on.jobs.start(task)).type}\n`);
      // Stays until it is killed, as a worker that waits for its job.
      setInterval(() => undefined, 1000);
    }
  }
}

await work(JSON.parse(process.argv[2] ?? '') as WorkerOrder);
