import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a store takes itself to have, whatever became of the files since: a file for each path. */
interface Entry {
  hash: string;
  /** Paths that it needs. */
  references: readonly string[];
}

export function isValid(root: string, path: string): boolean {
  return entryOf(root, path) !== undefined;
}

/** Enters a path whose files are there. */
export function register(root: string, path: string, entry: Entry): void {
  const file = fileOf(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}.tmp`, JSON.stringify(entry));
  renameSync(`${file}.${process.pid}.tmp`, file);
}

export function remove(root: string, path: string): void {
  rmSync(fileOf(root, path), { force: true });
  rmSync(join(root, path), { recursive: true, force: true });
}

/** All that these paths need and they themselves, what is needed first. */
export function requisites(root: string, paths: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    for (const reference of entryOf(root, path)?.references ?? []) visit(reference);
    found.add(path);
  };
  paths.forEach(visit);
  return [...found];
}

/** All that need one of these paths, and they themselves. */
export function referrers(root: string, paths: readonly string[]): string[] {
  const names = readdirSync(join(root, DATABASE)).filter((name) => !name.endsWith('.tmp'));
  const valid = names.map((name) => `/nix/store/${name}`);
  return valid.filter((path) => requisites(root, [path]).some((each) => paths.includes(each)));
}

/** How the files of a valid path are, against when they were entered. */
export function conditionOf(
  root: string,
  path: string,
): { is: 'whole' | 'gone' } | { is: 'changed'; was: string; now: string } {
  const was = entryOf(root, path)?.hash ?? '';
  let now: string;
  try {
    now = hashOf(join(root, path));
  } catch {
    return { is: 'gone' };
  }
  return now === was ? { is: 'whole' } : { is: 'changed', was, now };
}

const DATABASE = 'nix/var/nix/db/simulated';

function fileOf(root: string, path: string): string {
  return join(root, DATABASE, basename(path));
}

function entryOf(root: string, path: string): Entry | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(root, path), 'utf8')) as Entry;
  } catch {
    return undefined;
  }
}

/** Of names and contents. */
export function hashOf(path: string): string {
  const found = lstatSync(path);
  const hash = createHash('sha256');
  if (found.isSymbolicLink()) hash.update(readlinkSync(path));
  else if (found.isFile()) hash.update(readFileSync(path));
  else for (const name of readdirSync(path).sort()) hash.update(name).update(hashOf(join(path, name)));
  return hash.digest('hex').slice(0, 52);
}
