import type { z } from 'zod';
import { withEnvironment } from './environment-file.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';

/** How restic reaches a repository, on the machine where it runs. */
export interface ResticAccess {
  /** Without credentials: those belong into files or the environment of restic's own user. */
  repository: string;
  passwordFile: string;
  /** Lines `NAME=value`, readable by its owner only. */
  environmentFile?: string;
}

export type ResticProblem =
  | { type: 'no repository'; message: string }
  | { type: 'locked'; message: string }
  | { type: 'wrong password'; message: string }
  /** The environment file is not there, can be read by others, or has a line that is no `NAME=value`. */
  | { type: 'bad environment'; message: string }
  | Unexpected;

/**
 * A command line of restic. Throws a TypeError for a repository address with a password in it: it would be seen in the
 * process list.
 */
export function resticArgv(access: ResticAccess, verb: readonly string[], rest: readonly string[] = []): string[] {
  const { environmentFile } = access;
  const argv = ['restic', ...verb, ...accessWords(access), ...rest];
  return environmentFile === undefined ? argv : withEnvironment(environmentFile, argv);
}

function accessWords({ repository, passwordFile }: ResticAccess): string[] {
  if (/:\/\/[^/@\s]*:[^/@\s]*@/.test(repository))
    throw new TypeError('Expected a restic repository without a password in its address; restic reads it from a file.');
  return [`--repo=${repository}`, `--password-file=${passwordFile}`];
}

/** What an exit code means that is not 0. 3 and whatever else a verb may end with is for its own reader to know. */
export function problemOf(ran: Ran): ResticProblem | undefined {
  const message = exitMessage(ran.result.stderr);
  // 10 and 11 since restic 0.17, 12 since 0.17.1; before, all of them were 1.
  if (ran.result.exitCode === 10) return { type: 'no repository', message };
  if (ran.result.exitCode === 11) return { type: 'locked', message };
  if (ran.result.exitCode === 12) return { type: 'wrong password', message };
  if (ran.result.exitCode === 78) return { type: 'bad environment', message };
  return ran.result.exitCode === 0 ? undefined : unexpectedOf(ran);
}

/** Shown without the shells around it. */
export function unexpectedOf({ argv, result }: Ran): Unexpected {
  return unexpected('restic', { argv: argv.slice(Math.max(0, argv.indexOf('restic'))), result });
}

/** With `--json`, restic 0.18 says why it ends in a line of JSON: `{"message_type":"exit_error",…,"message":"Fatal: …"}`. */
export function exitMessage(stderr: string): string {
  const quoted = /"message_type":"exit_error".*"message":("(?:[^"\\]|\\.)*")/.exec(stderr)?.[1];
  return tail(quoted === undefined ? stderr : String(JSON.parse(quoted)));
}

/** The last line of JSON of that shape. */
export const lastLine = <T>(schema: z.ZodType<T>, lines: readonly Record<string, unknown>[]): T | undefined =>
  lines.flatMap((line) => schema.safeParse(line).data ?? []).at(-1);

/** The lines of JSON among others: `status`, `summary`, `error`. A line that is cut or no JSON is passed over. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}
