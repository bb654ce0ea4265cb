import { z } from 'zod';
import {
  jsonLines,
  lastLine,
  problemOf,
  resticArgv,
  unexpectedOf,
  type ResticAccess,
  type ResticProblem,
} from './restic-command.ts';
import type { Ran } from './result.ts';

export interface ResticRestore extends ResticAccess {
  snapshot: string;
  /** Only what is below; absolute, as the snapshot has it. */
  path?: string;
  /** What is there of the same name is overwritten. */
  target: string;
}

/** The job that restores, and reads again what it wrote. */
export function resticRestoreArgv({ snapshot, path, target, ...access }: ResticRestore): string[] {
  if (!/^[0-9a-f]{8,64}$/.test(snapshot)) throw new TypeError(`Expected the id of a restic snapshot, got ${snapshot}.`);
  const from = path === undefined ? snapshot : `${snapshot}:${path}`;
  return resticArgv(access, ['restore', '--json', '--no-lock', '--verify'], [`--target=${target}`, '--', from]);
}

export type ResticRestored =
  | { type: 'restored'; files: number; bytes: number }
  /** The repository has no such snapshot, or the snapshot no such path. */
  | { type: 'not found'; message: string }
  | ResticProblem;

const summarySchema = z.object({
  message_type: z.literal('summary'),
  files_restored: z.number().default(0),
  bytes_restored: z.number().default(0),
});

export function readResticRestore(ran: Ran): ResticRestored {
  const { stdout, stderr } = ran.result;
  const missing = /no matching ID found for prefix|path \S+: not found/.exec(stderr);
  if (missing !== null) return { type: 'not found', message: missing[0] };
  const problem = problemOf(ran);
  if (problem !== undefined) return problem;
  const summary = lastLine(summarySchema, jsonLines(stdout));
  if (summary === undefined) return unexpectedOf(ran);
  return { type: 'restored', files: summary.files_restored, bytes: summary.bytes_restored };
}
