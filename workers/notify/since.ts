import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../whole-file.ts';

/**
 * When this worker first looked for what to tell, in milliseconds; now, where it never did. What ended before is history: who sets
 * notifications up is not told of last week. Kept in the worker's folder, so that what ended while it was down is told.
 */
export async function firstLook(stateDir: string, now: number): Promise<number> {
  const path = join(stateDir, 'notify-since');
  const known = Date.parse(await readFile(path, 'utf8').catch(() => ''));
  if (!Number.isNaN(known)) return known;
  await writeWhole(path, `${new Date(now).toISOString()}\n`);
  return now;
}
