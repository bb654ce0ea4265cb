import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The built command line; from dist/bench as from dist/chunks it is the same way. */
export const RUNBOOK = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/** Milliseconds of one run of a program. */
export interface Timing {
  wall: number;
  /** Of the processor, user and system: what other work on the machine changes least. */
  cpu: number;
}

/** As the shell's own `time` has it. */
const TIME = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" >/dev/null 2>&3; } 3>&1';

/** Runs a program to its end. Throws where it fails. */
export async function timed(
  argv: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string },
): Promise<Timing> {
  const child = spawn('bash', ['-c', TIME, 'bash', ...argv], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let [said, times] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (times += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit code ${String(code)}\n${said}`);
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = times.trim().split(' ').map(Number);
  return { wall: wall * 1000, cpu: (user + system) * 1000 };
}

/** `runbook worker`, as a process of its own. */
export interface WorkerProcess {
  pid: number;
  /** SIGTERM, and its end. */
  stop(): Promise<void>;
}

/** Resolves when it polls. Throws with what it said where it ends before. */
export async function startWorkerProcess(env: NodeJS.ProcessEnv, repo: string): Promise<WorkerProcess> {
  const argv = [RUNBOOK, '--repo', repo, 'worker', '--log-level', 'error'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (!hasEnded(child)) child.kill('SIGTERM');
    await exited;
  };
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    said += `${line}\n`;
    if (/polls/.test(line) && child.pid !== undefined) return { pid: child.pid, stop };
  }
  await exited;
  throw new Error(`Expected a worker that polls, got one that ended:\n${said}`);
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
