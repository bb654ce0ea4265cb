/** The state folder and the files in it that may hold histories, for this user's eyes. Node.js built-ins only. */
import { chmod, lstat, readdir, realpath, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { StartError } from './start-error.ts';

const OTHERS = 0o077;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** What may hold histories: the server's data with the files that SQLite makes beside them, logs, the server's address. */
const HOLDS_HISTORIES = /^(?:temporal[.](?:db|lock|log)|worker[.]log|dev-server[.]json)(?:[-.].+)?$/;
const FOLDERS = ['jobs', 'fences', 'ssh', 'known-hosts'];

/**
 * Takes the rights of others from the state folder where it is surely ours alone, and from the files in it in any case.
 * Throws StartError `refused` where everybody may put files there: nothing in it can be trusted, nor kept.
 */
export async function makePrivate(folder: string, env: Environment): Promise<void> {
  if (await isOursAlone(folder, env)) await chmod(folder, 0o700);
  const { mode } = await stat(folder);
  if ((mode & OTHERS_WRITE) !== 0)
    throw new StartError(
      'refused',
      `Everybody may write in the state folder ${folder}.`,
      'RUNBOOK_STATE names another, as a folder in this one.',
    );
  await makeFilesPrivate(folder);
}

/** Sets 0600 for what may hold histories. What a link points to is left alone, and what belongs to somebody else. */
export async function makeFilesPrivate(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((each) => HOLDS_HISTORIES.test(each))) {
    const file = join(folder, name);
    const found = await lstat(file).catch(() => undefined); // it may have gone meanwhile
    if (found?.isFile() === true && found.uid === process.getuid?.() && (found.mode & OTHERS) !== 0)
      await chmod(file, 0o600);
  }
}

/** A folder that has another use as well keeps its mode: a home, a folder for all, one with files of other programs. */
async function isOursAlone(folder: string, env: Environment): Promise<boolean> {
  const path = await realpath(folder);
  const { mode, uid } = await stat(path);
  if (uid !== process.getuid?.() || (mode & STICKY) !== 0) return false;
  const shared = ['/', tmpdir(), homedir(), env['HOME'] ?? homedir()];
  if ((await Promise.all(shared.map(real))).includes(path)) return false;
  return (await readdir(path)).every((name) => HOLDS_HISTORIES.test(name) || FOLDERS.includes(name));
}

const real = (path: string): Promise<string> => realpath(path).catch(() => path);
