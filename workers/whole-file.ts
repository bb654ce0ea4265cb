import { rename, writeFile } from 'node:fs/promises';

/** Writes a small file of the worker's own, which is there whole or not at all: for its owner alone. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.tmp`;
  await writeFile(aside, text, { mode: 0o600 });
  await rename(aside, path);
}
