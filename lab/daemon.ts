import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { cgroupOf } from './cgroups.ts';
import type { RunRecord } from './run-record.ts';

/** Starts a program that outlives this one, in a cgroup of the run, its output in `log`. */
export async function startDaemon(
  record: RunRecord,
  argv: readonly string[],
  { log, cgroup = 'machine', env = {} }: { log: string; cgroup?: string; env?: Record<string, string> },
): Promise<void> {
  const folder = cgroupOf(record, cgroup);
  await mkdir(folder, { recursive: true });
  const out = openSync(log, 'a');
  const enter = ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', folder, ...argv];
  spawn('sh', enter, {
    detached: true,
    stdio: ['ignore', out, out],
    env: { PATH: process.env['PATH'], ...env },
    cwd: '/',
  }).unref();
  closeSync(out);
}
