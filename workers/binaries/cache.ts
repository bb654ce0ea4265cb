import { access, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { Environment } from '../environment.ts';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Pin } from './pins.ts';

/** `RUNBOOK_CACHE`, or `runbook` in the user's cache folder. What is in it can be had again. */
export function cacheFolder(env: Environment): string {
  const xdg = env['XDG_CACHE_HOME'];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env['HOME'] ?? homedir(), '.cache');
  return env['RUNBOOK_CACHE'] ?? join(base, 'runbook');
}

export const cachedPath = (pin: Pin, env: Environment): string =>
  join(cacheFolder(env), pin.program, pin.version, pin.program);

/** Every executable file of that name in PATH, in its order. */
export async function onPath(program: string, env: Environment): Promise<string[]> {
  const candidates = (env['PATH'] ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, program));
  const usable = await Promise.all(candidates.map(isExecutable));
  return candidates.filter((_, i) => usable[i]);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs `fill` with an empty folder beside `target`, and moves the file that it names to `target`. Whatever happens to
 * us on the way, `target` is there whole or not at all; folders of callers that were killed are removed.
 */
export async function installFile(target: string, fill: (folder: string) => Promise<string>): Promise<void> {
  const parent = join(target, '..');
  await mkdir(parent, { recursive: true });
  await forgetAbandoned(parent);
  const folder = await mkdtemp(join(parent, `.incoming-${process.pid}-`));
  try {
    await rename(await fill(folder), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function forgetAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^[.]incoming-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Bytes of all files in a folder that others are writing to. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
