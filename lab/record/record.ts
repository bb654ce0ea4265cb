import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLab } from '../api.ts';
import type { Kind } from '../machines.ts';
import type { Entry } from './entry.ts';
import { ON_ZFS, playScenarios } from './subjects.ts';

/**
 * What real tools answer, as files for whoever writes their likeness, one for each subject. In a lab of its own, of virtual
 * hosts for what needs ZFS. `only` names some of them.
 */
export async function recordAll(
  folder: string,
  only: readonly string[],
  progress: (line: string) => void,
): Promise<void> {
  const needZfs = (subject: string): boolean => subject in ON_ZFS;
  const kinds: Kind[] = [];
  if (only.length === 0 || !only.every(needZfs)) kinds.push('namespaces');
  if (only.length === 0 || only.some(needZfs)) kinds.push('vms');
  for (const kind of kinds) await recordIn(kind, folder, only, progress);
}

async function recordIn(
  kind: Kind,
  folder: string,
  only: readonly string[],
  progress: (line: string) => void,
): Promise<void> {
  const lab = await startLab({ kind, progress });
  try {
    await mkdir(folder, { recursive: true });
    const keep = (subject: string, entries: Entry[]): Promise<void> =>
      writeFile(join(folder, `${subject}.json`), `${JSON.stringify(entries, null, 1)}\n`);
    await playScenarios(lab, keep, { progress, only: only.length === 0 ? undefined : only });
  } finally {
    await lab.stop();
  }
}
