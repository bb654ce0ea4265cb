import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { errorCode } from '../errors.ts';
import type { InitFile } from './files.ts';

/** A file that is asked for, and what is in its place. */
export interface Compared {
  path: string;
  /** `differs`: another text is there, or something that is no file. */
  state: 'new' | 'same' | 'differs';
  /** Of what differs. */
  why?: string;
}

/** Looks at what is in the place of each file. Follows no link: what is behind one is not the monorepo's. */
export const compare = (folder: string, files: readonly InitFile[]): Promise<Compared[]> =>
  Promise.all(files.map((file) => compareOne(folder, file)));

async function compareOne(folder: string, { path, text }: InitFile): Promise<Compared> {
  for (const above of foldersAbove(path)) {
    const found = await statusOf(join(folder, above));
    if (found === undefined) return { path, state: 'new' };
    if (!found.isDirectory()) return { path, state: 'differs', why: `${above} is ${kindOf(found)}, no folder` };
  }
  const found = await statusOf(join(folder, path));
  if (found === undefined) return { path, state: 'new' };
  if (!found.isFile()) return { path, state: 'differs', why: `it is ${kindOf(found)}` };
  const same = found.size === Buffer.byteLength(text) && (await readFile(join(folder, path), 'utf8')) === text;
  return same ? { path, state: 'same' } : { path, state: 'differs', why: 'another text is there' };
}

/** `host`, `host/common` of `host/common/base.nix`. */
const foldersAbove = (path: string): string[] => {
  const words = path.split('/').slice(0, -1);
  return words.map((_word, at) => words.slice(0, at + 1).join('/'));
};

const kindOf = (found: Stats): string =>
  found.isSymbolicLink()
    ? 'a link'
    : found.isDirectory()
      ? 'a folder'
      : found.isFile()
        ? 'a file'
        : 'something special';

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** Begins the name of a folder in which files are written aside; the process that does it ends the name. */
const ASIDE = '.runbook-init-';

/**
 * Puts new files into a folder, all or none. They are written aside first. A folder that is not there comes into being with
 * everything in it, at once; in one that is there each file appears whole, and runbook.yaml last, so that what was cut off
 * is no monorepo yet and the same command completes it. Throws where a file has come into the place of one meanwhile:
 * nothing is ever overwritten, and what was put there before is taken back.
 */
export async function writeFiles(folder: string, files: readonly InitFile[]): Promise<void> {
  const isNew = (await statusOf(folder)) === undefined;
  const beside = isNew ? dirname(folder) : folder;
  const prefix = isNew ? `${ASIDE}${basename(folder)}-` : ASIDE;
  await mkdir(beside, { recursive: true });
  await forgetAside(beside, prefix);
  const aside = join(beside, `${prefix}${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    for (const file of files) await writeAside(aside, file);
    if (isNew) await rename(aside, folder);
    else await moveIn(aside, folder, files);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function writeAside(aside: string, { path, text, executable }: InitFile): Promise<void> {
  await mkdir(join(aside, posix.dirname(path)), { recursive: true });
  const file = await open(join(aside, path), 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  if (executable === true) await chmod(join(aside, path), 0o755);
}

async function moveIn(aside: string, folder: string, files: readonly InitFile[]): Promise<void> {
  const isLast = ({ path }: InitFile): boolean => path === 'runbook.yaml';
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const { path } of [...files.filter((file) => !isLast(file)), ...files.filter(isLast)]) {
      for (const above of foldersAbove(path)) await makeFolder(join(folder, above), undo);
      // Unlike a rename, it fails where something has come there.
      await link(join(aside, path), join(folder, path));
      undo.unshift(() => rm(join(folder, path), { force: true }));
    }
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

async function makeFolder(path: string, undo: (() => Promise<void>)[]): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    throw error;
  }
  // Not where somebody has put something there meanwhile.
  undo.unshift(() => rmdir(path).catch(() => undefined));
}

/** Removes what a command has left that was killed when all of its files were in their place. */
export const tidy = (folder: string): Promise<void> => forgetAside(folder, ASIDE);

/** What commands that were killed have left. */
async function forgetAside(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
