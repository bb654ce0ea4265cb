import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupOf, killCgroup } from './cgroups.ts';
import { removeNetwork } from './network.ts';
import { RUNS } from './paths.ts';
import { isWanted, listRuns, type RunRecord } from './run-record.ts';

/**
 * Ends a run and removes all that is its: processes, mounts (they end with their namespaces), network, folder.
 * Idempotent, and may be interrupted: the folder with its record goes last.
 */
export async function endRun(record: RunRecord): Promise<void> {
  await killCgroup(cgroupOf(record, 'machine')); // supervisors first, or they would tidy up beside us
  await killCgroup(cgroupOf(record));
  await removeNetwork(record);
  const doomed = join(RUNS, `gone-${record.number}-${process.pid}`);
  await rename(record.folder, doomed);
  await rm(doomed, { recursive: true, force: true });
}

/** Ends the runs that nobody wants any more. Returns their numbers. */
export async function collectGarbage(progress: (line: string) => void): Promise<number[]> {
  const unwanted = (await listRuns()).filter((record) => !isWanted(record));
  for (const record of unwanted) {
    progress(`run ${record.number}: its owner is gone; removing it`);
    await endRun(record);
  }
  const alive = (pid: string | undefined): boolean => {
    try {
      process.kill(Number(pid), 0);
      return true;
    } catch {
      return false;
    }
  };
  for (const name of await readdir(RUNS).catch(() => [])) {
    const [, pid] = /^(?:new|gone-\d+)-(\d+)/.exec(name) ?? [];
    if (pid !== undefined && !alive(pid)) await rm(join(RUNS, name), { recursive: true, force: true });
  }
  return unwanted.map((record) => record.number);
}
