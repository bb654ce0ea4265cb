import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { withEnvironment } from './environment-file.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';

/** One folder with one state. */
export interface TerraformAccess {
  program: 'terraform' | 'tofu';
  /** Where the `.tf` files are. */
  folder: string;
  /** Lines `NAME=value`, readable by its owner only. */
  environmentFile?: string;
}

/** Who has locked the state, as whoever it is wrote it down. */
export interface StateLock {
  id: string;
  /** `OperationTypeApply` */
  operation: string;
  /** `ada@laptop` */
  who: string;
  /** ISO 8601. */
  created: string;
}

export type TerraformProblem =
  | { type: 'locked'; lock: StateLock }
  /** It says what is wrong: with the configuration, a provider, a resource. */
  | { type: 'failed'; message: string; addresses: string[] }
  /** The environment file is not there, can be read by others, or has a line that is no `NAME=value`. */
  | { type: 'bad environment'; message: string }
  | Unexpected;

/** What it is told beside its arguments: nobody answers, and nothing is asked of the network that is not needed. */
export const TERRAFORM_ENV = { TF_IN_AUTOMATION: '1', TF_INPUT: '0', CHECKPOINT_DISABLE: '1', LC_ALL: 'C' } as const;

/** A command line. What it writes – plans, states – is for its owner only. */
export function terraformArgv(
  { program, folder, environmentFile }: TerraformAccess,
  words: readonly string[],
): string[] {
  const argv = [program, `-chdir=${folder}`, ...words];
  const all = environmentFile === undefined ? argv : withEnvironment(environmentFile, argv);
  return ['sh', '-c', 'umask 077; exec "$@"', 'sh', ...all];
}

const diagnosticSchema = z.object({
  type: z.literal('diagnostic'),
  diagnostic: z.object({
    severity: z.enum(['error', 'warning']),
    summary: z.string(),
    detail: z.string().default(''),
    address: z.string().optional(),
  }),
});
export type Diagnostic = z.output<typeof diagnosticSchema>['diagnostic'];

/** What `-json` printed of what is wrong, errors only. */
export const errorsIn = ({ stdout }: Pick<Ran['result'], 'stdout'>): Diagnostic[] =>
  jsonLines(stdout).flatMap((line) => {
    const found = diagnosticSchema.safeParse(line).data?.diagnostic;
    return found?.severity === 'error' ? [found] : [];
  });

/** A line that is cut off, or is no JSON, is passed over. */
export function jsonLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}

/** What a command that ended with an error says, with `-json` or without. */
export function problemOf(ran: Ran): TerraformProblem {
  const { exitCode, stderr } = ran.result;
  if (exitCode === 78) return { type: 'bad environment', message: tail(stderr) };
  const errors = errorsIn(ran.result);
  const texts = errors.length > 0 ? errors.map(({ summary, detail }) => `${summary}\n${detail}`) : [plainText(stderr)];
  const lock = texts.map(lockIn).find((found) => found !== undefined);
  if (lock !== undefined) return { type: 'locked', lock };
  if (errors.length > 0)
    return {
      type: 'failed',
      message: `${tail(errors.map(described).join('; '), LONGEST_MESSAGE)}${ran.result.truncated ? ` ${CUT}` : ''}`,
      addresses: errors.flatMap(({ address }) => address ?? []),
    };
  const text = plainText(stderr);
  if (/^Error: /m.test(text)) return { type: 'failed', message: tail(text, LONGEST_MESSAGE), addresses: [] };
  // What it printed of its work can hold what a provisioner said.
  const rest = { argv: ran.argv.slice(4), result: { ...ran.result, stdout: '' } };
  return unexpected('terraform', rest, ran.result.truncated ? CUT : undefined);
}

/** The middle of a long output is not kept, and errors may stand in it. */
const CUT = '(It printed more than is kept: there may be more errors.)';

const LONGEST_MESSAGE = 1500;

/**
 * One error in a line. What a provisioner ran and printed stays on the worker: it can hold what nobody marked as
 * sensitive.
 */
function described({ summary, detail, address }: Diagnostic): string {
  const where = address === undefined ? '' : `${address}: `;
  if (summary.endsWith('provisioner error')) {
    const status = /\bexit status \d+\b/.exec(detail)?.[0];
    return `${where}${summary}${status === undefined ? '' : ` (${status})`}`;
  }
  return `${where}${[summary, detail.trim()].filter((part) => part !== '').join(': ')}`;
}

/** Without the frame that it draws around errors, and the colours that `state` has in spite of a pipe. */
const plainText = (stderr: string): string =>
  stripVTControlCharacters(stderr)
    .replace(/^[╷╵│][ \t]?/gm, '')
    .trim();

/** `Lock Info:` and lines of `Name: value`. */
function lockIn(text: string): StateLock | undefined {
  if (!/Error acquiring the state lock/.test(text)) return undefined;
  // The backend http tells of the lock only its id: what stands below is what was asked for in vain.
  const unnamed = /already locked:\s+ID=(\S+)/.exec(text)?.[1];
  if (unnamed !== undefined) return { id: unnamed, operation: '', who: '', created: '' };
  const of = (name: string): string => new RegExp(`^\\s*${name}:\\s+(\\S.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const created = Date.parse(of('Created').replace(/^(\S+) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d* \+0000 UTC$/, '$1T$2Z'));
  return {
    ...{ id: of('ID'), operation: of('Operation'), who: of('Who') },
    created: Number.isNaN(created) ? '' : new Date(created).toISOString(),
  };
}
