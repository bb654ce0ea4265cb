import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import type { WorkerOrder } from './worker-fixture.ts';

export interface WorkerProgram {
  start(order: WorkerOrder): ChildProcessByStdio<null, Readable, null>;
  /** Also ends what a failed test left running. */
  remove(): void;
}

/** Compiles the fixture, as the product is compiled, to a file that Node can run by itself. */
export async function buildWorker(): Promise<WorkerProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'runbook-worker-'));
  const program = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(process.cwd(), 'test/hosts/worker-fixture.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // Some of execa's dependencies are CommonJS.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
    logLevel: 'error',
  });
  const started: ChildProcessByStdio<null, Readable, null>[] = [];
  return {
    start: (order) => {
      const one = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
      started.push(one);
      return one;
    },
    remove: () => {
      for (const one of started) one.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

/** Ends a worker as the kernel does when memory runs out: it can do nothing about it. */
export async function sigkill(worker: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  worker.kill('SIGKILL');
  await once(worker, 'exit');
}
