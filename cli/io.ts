import type { Writable } from 'node:stream';
import { types } from 'node:util';

export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** Everything a command touches of the process it runs in, so that tests can be that process. */
export interface Io {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Calls back on Ctrl-C, and when nobody reads any more, until the returned function is called. */
  onInterrupt: (listener: () => void) => () => void;
  /** One line of the terminal's input; undefined where there is no terminal to ask. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
}

/** The process itself. Its streams are opened when they are first asked for: opening one that is not used takes time. */
export function processIo(): Io {
  return {
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      // Where it cannot be said what failed, the exit code still tells that it did.
      if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
      return process.stderr;
    },
    env: process.env,
    get cwd() {
      return workingFolder();
    },
    now: () => Date.now(),
    onInterrupt: (listener) => {
      process.on('SIGINT', listener);
      process.stdout.on('error', listener);
      return () => {
        process.off('SIGINT', listener);
        process.stdout.off('error', listener);
      };
    },
    get ask() {
      return process.stdin.isTTY && process.stdout.isTTY ? askTerminal : undefined;
    },
  };
}

/** Where it has been removed meanwhile, the shell's name for it: whoever looks there finds that it is gone, and says so. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return process.env['PWD'] ?? '/';
  }
}

async function askTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } catch (error) {
    if (types.isNativeError(error) && error.name === 'AbortError') return '';
    throw error;
  } finally {
    terminal.close();
  }
}

/** Columns that may be used: the terminal's; in a pipe there is no limit unless `COLUMNS` sets one. */
export function widthOf(io: Io, output: Output = io.stdout): number {
  if (output.isTTY === true) return output.columns ?? 80;
  const columns = Number(io.env['COLUMNS']);
  return Number.isInteger(columns) && columns > 0 ? columns : Number.POSITIVE_INFINITY;
}

/** Whether to colour: a terminal that can, unless `NO_COLOR` says no (no-color.org) or `FORCE_COLOR` says yes. */
export function colourOf(io: Io, output: Output = io.stdout): boolean {
  if ((io.env['NO_COLOR'] ?? '') !== '') return false;
  const forced = io.env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0';
  return output.isTTY === true && io.env['TERM'] !== 'dumb';
}

/** Prints lines to stdout. */
export function print(io: Io, lines: readonly string[]): void {
  if (lines.length > 0) io.stdout.write(`${lines.join('\n')}\n`);
}

/** One JSON value per line. Characters that a terminal would obey are escaped, which JSON allows. */
export function printJson(io: Io, value: unknown): void {
  const escaped = JSON.stringify(value).replace(
    /[\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  io.stdout.write(`${escaped}\n`);
}
