import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shipped } from './paths.ts';
import { quote } from './quote.ts';
import type { RunRecord } from './run-record.ts';

/** Debian's, but for deploy-rs; git is the machine's own. */
const PROGRAMS = ['nix', 'nix-env', 'nix-store', 'deploy', 'restic', 'age', 'age-keygen'];

export const binOf = (record: RunRecord): string => join(record.folder, 'bin');

/** Writes `nix`, `deploy` … for the machine: Debian's programs and the lab's own deploy-rs, on the run's own store. */
export async function writeControl(record: RunRecord): Promise<void> {
  const bin = binOf(record);
  await mkdir(bin, { recursive: true });
  const tools = join(record.deployRs, 'bin');
  const enter = [shipped('control', 'enter.sh'), record.rootfs, join(record.folder, 'control'), tools];
  for (const program of PROGRAMS) {
    const file = join(bin, program);
    await writeFile(file, `#!/bin/sh\nexec ${[...enter, program].map(quote).join(' ')} "$@"\n`);
    await chmod(file, 0o755);
  }
}
