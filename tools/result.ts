import type { z } from 'zod';
import type { RunResult } from '../hosts/host.ts';
import { displayArgv } from '../hosts/quote.ts';
import { redact } from '../hosts/redact.ts';

/**
 * What every tool may answer instead of what was asked for. A `HostError` (the machine is away, a time-out) is not
 * among them: it is thrown, because it says nothing about the tool.
 */
export type ToolFailure = Unexpected | Busy | NoQuorum | NotFound;

/** The program said something that is not known here. It is never guessed at: a person has to look. */
export interface Unexpected {
  type: 'unexpected';
  tool: string;
  /** The command for a person to read; not for running. */
  argv: string;
  exitCode: number;
  /** The end of what it printed, and what was missing in it. */
  output: string;
  /**
   * It said nothing at all. `incus exec` loses what a short command prints where both machines are busy
   * (Incus 6.0.4), so trying again helps.
   */
  silent?: true;
}

/** Someone else is at work on the same thing. Trying again helps. */
export interface Busy {
  type: 'busy';
  message: string;
}

/** The cluster's database has no majority: nothing can be read or changed until more members are back. */
interface NoQuorum {
  type: 'no quorum';
  message: string;
}

/** It does not exist. Trying again does not help. */
export interface NotFound {
  type: 'not found';
  what: string;
}

/** What a command was and what came of it. */
export interface Ran {
  argv: readonly string[];
  result: Pick<RunResult, 'exitCode' | 'stdout' | 'stderr' | 'truncated'>;
}

/** Enough to understand a failure, and small enough for a workflow's history. */
const KEPT_CHARACTERS = 2_000;

/** The end of a text, secrets masked: programs say last why they failed. */
export function tail(text: string, characters = KEPT_CHARACTERS): string {
  const trimmed = redact(text.trim());
  return trimmed.length <= characters ? trimmed : `…${trimmed.slice(-characters)}`;
}

/** `missing` says what was looked for, where the text alone does not tell. */
export function unexpected(tool: string, { argv, result }: Ran, missing?: string): Unexpected {
  const printed = tail([result.stdout.trim(), result.stderr.trim()].filter((text) => text !== '').join('\n'));
  const output = missing === undefined ? printed : `${missing}\n${printed}`.trimEnd();
  const found = { type: 'unexpected', tool, argv: displayArgv(argv), exitCode: result.exitCode, output } as const;
  return printed === '' ? { ...found, silent: true } : found;
}

/**
 * Reads a program's JSON. Fields that are not asked for are let through: newer versions add some.
 * What is asked for and absent or of another type makes it `unexpected`, with the fields' paths. The text itself is
 * left out of that, because an instance's configuration can hold secrets.
 */
export function readJson<T>(tool: string, ran: Ran, schema: z.ZodType<T>): { type: 'json'; value: T } | Unexpected {
  if (ran.result.truncated) return mismatch(tool, ran, 'Expected JSON, got more output than is kept.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(ran.result.stdout);
  } catch {
    return unexpected(tool, ran, 'Expected JSON, got text that is none.');
  }
  const read = schema.safeParse(parsed);
  if (read.success) return { type: 'json', value: read.data };
  const problems = read.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  return mismatch(tool, ran, `Expected another shape of JSON: ${problems.join('; ')}.`);
}

function mismatch(tool: string, { argv, result }: Ran, output: string): Unexpected {
  return { type: 'unexpected', tool, argv: displayArgv(argv), exitCode: result.exitCode, output };
}
