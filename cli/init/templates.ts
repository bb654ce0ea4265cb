import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TEMPLATES } from './template-folder.ts';

/** Reads a template and puts values in place of its `@words@`. Throws where one of them is not known. */
export async function filled(path: string, values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(TEMPLATES, path), 'utf8');
  return text.replace(/@([a-z]+)@/g, (_whole, word: string) => {
    const value = Object.hasOwn(values, word) ? values[word] : undefined;
    if (value === undefined) throw new Error(`Expected a value for @${word}@ of templates/homelab/${path}, got none.`);
    return value;
  });
}
