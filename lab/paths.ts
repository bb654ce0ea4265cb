import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, from the sources and from the bundle in dist/ alike. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
    folder = parent;
  }
  return folder;
}

export const ROOT = packageRoot();

/** A file that the lab ships: a script, or a tree of settings. */
export const shipped = (...path: string[]): string => join(ROOT, 'lab', ...path);

/** What is built once and kept: outside the checkout, shared by all of this user's. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['RUNBOOK_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runbook'), 'lab');

/** The state of running labs: one per machine, since their network names are the machine's. */
export const RUNS = '/var/lib/runbook-lab';
