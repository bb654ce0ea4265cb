import { join } from 'node:path';
import type { Call } from '../core/call.ts';

/** Where the worker's folder has the real one. */
export const REAL_GIT = 'bin/.git';

/** What moves a branch or another ref, here or at the remote. */
const MOVES_REFS = /(?:^| )(?:update-ref|push(?! .*--dry-run)) /;

/** The real git on the real repository; the simulation only sees it pass, so that it can be held up or fail. */
export function git({ root, machine, args, cwd, env, runProgram, changed }: Call): Promise<number> {
  if (MOVES_REFS.test(args.join(' '))) changed('refs');
  return runProgram(join(root, REAL_GIT), { machine, argv: ['git', ...args], cwd, env }, root);
}
