import { redact } from './redact.ts';

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * One word for a POSIX shell that reads back as exactly `word`. Used for every remote command.
 * Single quotes take any byte but NUL as it is; a quote itself is closed, escaped and opened again (POSIX.1 2.2.2).
 * @throws {TypeError} as {@link refuseNul}.
 */
export function quoteWord(word: string): string {
  refuseNul(word);
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Sets a variable of the environment in a POSIX shell. @throws {TypeError} where the name is none, or of a NUL. */
export function quoteExport(name: string, value: string): string {
  if (VARIABLE.test(name)) return `export ${name}=${quoteWord(value)}`;
  throw new TypeError(`Expected the name of an environment variable, got ${JSON.stringify(name)}.`);
}

/** @throws {TypeError} where the word has a NUL, which no program can be given. */
export function refuseNul(word: string): void {
  const nul = word.indexOf('\0');
  if (nul === -1) return;
  const shown = JSON.stringify(redact(word.slice(0, 80)));
  throw new TypeError(`Expected an argument without NUL, got one at character ${nul} of ${shown}.`);
}

/**
 * A command line for a POSIX shell that runs exactly `argv`: every word quoted, none interpreted.
 * @throws {TypeError} where a word has a NUL, or there is no word.
 */
export function quoteArgv(argv: readonly string[]): string {
  if (argv.length === 0) throw new TypeError('Expected a command of at least one word, got none.');
  return argv.map(quoteWord).join(' ');
}

/** The command as a person would type it, secrets masked, at most `maxLength` characters. For messages, never to be run. */
export function displayArgv(argv: readonly string[], maxLength = 300): string {
  const line = argv.map(displayWord).join(' ');
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}

function displayWord(word: string, index: number, argv: readonly string[]): string {
  const masked = redact(word, argv[index - 1]);
  if (PLAIN.test(masked)) return masked;
  // Control characters could rewrite a terminal's line: JSON's escapes show them.
  const visible = JSON.stringify(masked).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  return `'${visible.replaceAll("'", `'\\''`)}'`;
}
