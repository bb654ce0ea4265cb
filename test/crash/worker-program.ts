import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { WorkerOrder } from './worker-process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The worker's program, compiled; beside the packages that it imports. */
export interface WorkerProgram {
  start(order: WorkerOrder): Promise<WorkerProcess>;
  remove(): Promise<void>;
}

export interface WorkerProcess {
  readonly pid: number;
  /** Ends it as the kernel does when memory runs out: it can do nothing about it. Idempotent. */
  sigkill(): Promise<void>;
}

export async function buildWorkerProgram(): Promise<WorkerProgram> {
  const program = join(ROOT, 'node_modules', '.cache', 'runbook', `crash-worker-${randomUUID()}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'test/crash/worker-process.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return {
    start: (order) => startProcess(program, order),
    remove: () => rm(program, { force: true }),
  };
}

/** What all workers of one folder had to say. */
export const workerLog = (stateDir: string): string => `${stateDir}.log`;

async function startProcess(program: string, order: WorkerOrder): Promise<WorkerProcess> {
  const log = openSync(workerLog(order.stateDir), 'a');
  // It ends with the tests, also when they are killed.
  const argv = ['--pdeathsig', 'KILL', process.execPath, program, JSON.stringify(order)];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', log], env: environment() });
  closeSync(log);
  const exited = once(child, 'exit');
  if (child.stdout === null) throw new Error('Expected a pipe from the worker.');
  const polls = once(child.stdout, 'data');
  const first = await Promise.race([polls.then(() => 'polls' as const), exited.then(() => 'ended' as const)]);
  if (first === 'ended') throw new Error(`The worker ended with ${String(child.exitCode)} before it polled.`);
  return { pid: child.pid as number, sigkill: () => sigkill(child, exited) };
}

async function sigkill(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

/** Node.js starts in half the time without the certificates that some environments add. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'].includes(name)),
  );
}
