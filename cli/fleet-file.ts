import { join, resolve } from 'node:path';
import type { CommandContext } from './context.ts';
import { CliError } from './errors.ts';
import { exists, findUp } from './git-head.ts';
import { clean } from './render/clean.ts';

export const FLEET_FILE = 'runbook.yaml';

/** The fleet file's path. Throws CliError `wrong config` where there is none in the folder or above. */
export async function findFleetFile({ io, repo }: CommandContext): Promise<string> {
  const start = resolve(io.cwd, repo ?? '.');
  if (!(await exists(start))) throw notFound(`There is no folder ${clean(start)}.`);
  const root = await findUp(start, FLEET_FILE);
  if (root !== undefined) return join(root, FLEET_FILE);
  throw notFound(
    `No ${FLEET_FILE} in ${clean(start)} or above.`,
    'The fleet file says which members and guests there are: docs/configuration.md.',
  );
}

function notFound(message: string, ...description: string[]): CliError {
  return new CliError('wrong config', message, {
    description,
    suggestions: [{ command: 'runbook --repo DIR …', purpose: 'name the monorepo' }],
  });
}
