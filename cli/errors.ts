import { types } from 'node:util';
import type { Ending } from './exit-codes.ts';
import { widthOf, type Io } from './io.ts';
import { clean } from './render/clean.ts';
import { foldLine } from './render/text.ts';

export interface Suggestion {
  command: string;
  purpose: string;
}

/** A command that cannot do what was asked, for a reason that the person who typed it can act on. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly ending: Ending;
  /** What follows from it, or how it came about: whole sentences. */
  readonly description: readonly string[];
  readonly suggestions: readonly Suggestion[];

  constructor(
    ending: Ending,
    message: string,
    more: { description?: readonly string[]; suggestions?: readonly Suggestion[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.ending = ending;
    this.description = more.description ?? [];
    this.suggestions = more.suggestions ?? [];
  }
}

/** Commands to type next, their purposes aligned. */
export function renderSuggestions(suggestions: readonly Suggestion[]): string[] {
  const longest = Math.max(0, ...suggestions.map(({ command }) => command.length));
  return suggestions.map(({ command, purpose }) => `  ${clean(command).padEnd(longest)}   ${clean(purpose)}`.trimEnd());
}

/** The messages of an error's causes, outermost first, without repetitions. */
export function causes(error: unknown): string[] {
  const messages: string[] = [];
  for (let at = error; types.isNativeError(at) && messages.length < 8; at = at.cause) {
    const message = clean(at.message);
    if (message !== '' && !messages.includes(message)) messages.push(message);
  }
  return messages;
}

/** What Node.js calls a failure of the system: `ENOENT`, `EACCES`. */
export const errorCode = (error: unknown): string | undefined =>
  types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** By its name: `worker` and `dev` are built apart and have a class of their own. */
const isCliError = (error: unknown): error is CliError => types.isNativeError(error) && error.name === 'CliError';

/** Says on stderr what went wrong and what to do, and returns how the command ended. */
export function reportError(io: Io, error: unknown): Ending {
  const known = isCliError(error);
  const width = widthOf(io, io.stderr);
  const lines = (known ? describeKnown(error) : describeBug(error)).flatMap((line) => foldLine(line, width));
  io.stderr.write(`${lines.join('\n')}\n`);
  if ((io.env['RUNBOOK_DEBUG'] ?? '') !== '' && types.isNativeError(error)) io.stderr.write(`${error.stack ?? ''}\n`);
  return known ? error.ending : 'failed';
}

function describeKnown(error: CliError): string[] {
  return [
    ...error.message.split('\n').map(clean),
    ...error.description.map(clean),
    ...causes(error.cause).map((cause) => `Cause: ${cause}`),
    ...renderSuggestions(error.suggestions),
  ];
}

function describeBug(error: unknown): string[] {
  const [first = clean(String(error)), ...rest] = causes(error);
  return [
    `runbook stopped at something unexpected: ${first}`,
    ...rest.map((cause) => `Cause: ${cause}`),
    'Runs that were started go on. RUNBOOK_DEBUG=1 shows where it happened.',
  ];
}
