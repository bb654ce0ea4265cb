import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Mutation {
  /** From the top of the project. */
  file: string;
  /** Has to be there exactly once. */
  from: string;
  to: string;
}

/** The workflows' bundle with their sources altered. Throws where a mutation does not fit the sources any more. */
export async function bundleWithMutations(mutations: readonly Mutation[]): Promise<{ code: string }> {
  // Beside node_modules, so that packages are found; within it sources are not compiled.
  const folder = await mkdtemp(join(ROOT, 'dist', 'mutant-'));
  try {
    for (const room of ['workflows', 'plan']) await cp(join(ROOT, room), join(folder, room), { recursive: true });
    for (const { file, from, to } of mutations) {
      const source = await readFile(join(folder, file), 'utf8');
      if (source.split(from).length !== 2) throw new Error(`Expected once in ${file}:\n${from}`);
      await writeFile(
        join(folder, file),
        source.replace(from, () => to),
      );
    }
    return await bundleWorkflowCode({
      workflowsPath: join(folder, 'workflows', 'index.ts'),
      logger: new DefaultLogger('WARN'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
