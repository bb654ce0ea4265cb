import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUNS } from './paths.ts';

/** A process, told apart from a later one of the same id by the time at which it began. */
interface Owner {
  pid: number;
  startTime: string;
}

export interface RunRecord {
  /** 1 to 254: the third byte of its addresses, and part of its network names. */
  number: number;
  folder: string;
  /** `null`: kept until `down`. Otherwise the run ends with this process. */
  owner: Owner | null;
  /** Of the machine: no run outlives it. */
  bootId: string;
  /** The part of the cache that it was started from; empty while the golden state itself is made. */
  golden: string;
  rootfs: string;
  seed: string;
  deployRs: string;
  /** Of virtual hosts: the folders with QEMU and with kernel and disk. Hosts in namespaces have none. */
  vms?: { qemu: string; image: string };
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Field 22 of /proc/PID/stat (proc(5)); `undefined` where there is no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

const ownerOf = (pid: number): Owner => ({ pid, startTime: startTime(pid) ?? '' });

/**
 * Whose labs the command line means and starts: of the process that `RUNBOOK_LAB_OWNER` names, with which they end; else
 * nobody's, which stay. So a test that types commands has a lab of its own beside the one that a person works with.
 */
export function ownerFrom(env: NodeJS.ProcessEnv): Owner | null {
  const pid = env['RUNBOOK_LAB_OWNER'];
  return pid === undefined ? null : ownerOf(Number(pid));
}

export const isOwnedBy = (run: RunRecord, owner: Owner | null): boolean =>
  run.owner?.pid === owner?.pid && run.owner?.startTime === owner?.startTime;

/** Whether somebody still wants the run: its owner lives, or it is kept and the machine has not been rebooted. */
export const isWanted = (run: RunRecord): boolean =>
  run.bootId === bootId() && (run.owner === null || startTime(run.owner.pid) === run.owner.startTime);

/** The names that the kernel knows a run's things by; at most 15 characters for an interface. */
export const networkName = (run: RunRecord): string => `rblab${run.number}`;

const recordOf = (folder: string): string => join(folder, 'run.json');

/** All runs of this machine, wanted or not. A folder without a record is not a run. */
export async function listRuns(root = RUNS): Promise<RunRecord[]> {
  const names = await readdir(root).catch(() => []);
  const folders = names.filter((name) => /^\d+$/.test(name)).map((name) => join(root, name));
  const runs = folders.filter((folder) => existsSync(recordOf(folder)));
  const records = await Promise.all(
    runs.map(async (folder) => JSON.parse(await readFile(recordOf(folder), 'utf8')) as RunRecord),
  );
  return records.sort((a, b) => a.number - b.number);
}

/** Claims the lowest free number for this process. The record moves into place with its folder, so a claim is whole. */
export async function claimRun(
  parts: Pick<RunRecord, 'golden' | 'rootfs' | 'seed' | 'deployRs' | 'vms'>,
  root = RUNS,
): Promise<RunRecord> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  const aside = await mkdtemp(join(root, `new-${process.pid}-`));
  for (let number = 1; number < 255; number++) {
    const run: RunRecord = {
      ...parts,
      number,
      folder: join(root, String(number)),
      owner: ownerOf(process.pid),
      bootId: bootId(),
    };
    await writeFile(recordOf(aside), JSON.stringify(run, null, 2));
    try {
      await rename(aside, run.folder);
      return run;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  await rm(aside, { recursive: true });
  throw new Error('all of 254 labs are in use; see `npm run lab -- status`');
}

export async function saveRun(run: RunRecord): Promise<void> {
  await writeFile(`${recordOf(run.folder)}.new`, JSON.stringify(run, null, 2));
  await rename(`${recordOf(run.folder)}.new`, recordOf(run.folder));
}
