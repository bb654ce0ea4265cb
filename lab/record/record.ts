import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLab } from '../api.ts';
import type { Entry } from './entry.ts';
import { playScenarios } from './subjects.ts';

/**
 * What real tools answer, as files for whoever writes their likeness, one for each subject. A lab of its own.
 * `only` names some of them.
 */
export async function recordAll(
  folder: string,
  only: readonly string[],
  progress: (line: string) => void,
): Promise<void> {
  const lab = await startLab({ progress });
  try {
    await mkdir(folder, { recursive: true });
    const keep = (subject: string, entries: Entry[]): Promise<void> =>
      writeFile(join(folder, `${subject}.json`), `${JSON.stringify(entries, null, 1)}\n`);
    await playScenarios(lab, keep, { progress, only: only.length === 0 ? undefined : only });
  } finally {
    await lab.stop();
  }
}
