import { readFileSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkName, type RunRecord } from './run-record.ts';
import { until } from './shell.ts';

/** Every process of a run is in here, so ending a run needs no guess. */
export function cgroupOf(run: RunRecord, name = ''): string {
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2');
  if (mount?.[1] === undefined) throw new Error('Expected a cgroup2 file system to be mounted, found none');
  return join(mount[1], networkName(run), name);
}

async function removeTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}

/** Kills every process below the cgroup (cgroup.kill, Linux 5.14) and removes it. Idempotent. */
export async function killCgroup(folder: string): Promise<void> {
  await until(
    `the end of the processes in ${folder}`,
    async () => {
      const state = await readFile(join(folder, 'cgroup.events'), 'utf8').catch(() => null);
      if (state === null) return { value: undefined };
      await writeFile(join(folder, 'cgroup.kill'), '1').catch(() => undefined);
      await removeTree(folder);
      return { not: 'still populated' };
    },
    { everyMs: 20, timeoutMs: 20_000 },
  );
}

/** Whether a process runs in it or below. */
export async function isPopulated(folder: string): Promise<boolean> {
  const state = await readFile(join(folder, 'cgroup.events'), 'utf8').catch(() => '');
  return /^populated 1$/m.test(state);
}
