import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { withLock } from './lock.ts';

export interface Part {
  name: string;
  /** What it is made from: other parts' keys, and the files and folders that the lab ships. */
  inputs: { keys?: readonly string[]; files: readonly string[] };
  /** Files that a whole one has; without them it is built anew. */
  proof: readonly string[];
  build: (folder: string) => Promise<void>;
}

/** A digest of names and contents, so that a changed script makes a new part. */
async function digest(keys: readonly string[], files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const key of keys) hash.update(`${key}\0`);
  const add = async (path: string, name: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => null);
    if (entries === null) {
      hash.update(`${name}\0`).update(await readFile(path));
      return;
    }
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      await add(join(path, entry.name), `${name}/${entry.name}`);
  };
  for (const [index, file] of files.entries()) await add(file, String(index));
  return hash.digest('hex').slice(0, 12);
}

/**
 * The folder of a part, built first where it is missing or broken: aside, then moved into place, one build at a time.
 * Idempotent; a build that was interrupted leaves nothing that a later one would take for whole.
 */
export async function provide(cache: string, part: Part, progress: (line: string) => void): Promise<string> {
  const folder = join(cache, `${part.name}-${await digest(part.inputs.keys ?? [], part.inputs.files)}`);
  const whole = (): boolean => part.proof.every((file) => existsSync(join(folder, file)));
  if (whole()) return folder;
  const wait = (): void => {
    progress(`${part.name}: another process builds it; waiting`);
  };
  await withLock(`${folder}.lock`, wait, async () => {
    if (whole()) return;
    const aside = `${folder}.new`;
    await rm(aside, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    await mkdir(aside, { recursive: true });
    const start = Date.now();
    await part.build(aside);
    const missing = part.proof.filter((file) => !existsSync(join(aside, file)));
    if (missing.length > 0) throw new Error(`${part.name} was built without ${missing.join(', ')}; see ${aside}`);
    await rename(aside, folder);
    progress(`${part.name}: built in ${Math.round((Date.now() - start) / 1000)} s, kept in ${folder}`);
  });
  return folder;
}

/** Removes what interrupted builds have left, whose locks nobody holds. Returns the folders' names. Idempotent. */
export async function removeAbandoned(cache: string): Promise<string[]> {
  const abandoned: string[] = [];
  for (const name of await readdir(cache).catch(() => [])) {
    const folder = join(cache, name);
    const removal = ['--nonblock', folder.replace(/\.new$/, '.lock'), 'rm', '-rf', '--', folder];
    if (name.endsWith('.new') && (await execa('flock', removal, { reject: false })).exitCode === 0)
      abandoned.push(name);
  }
  return abandoned;
}
