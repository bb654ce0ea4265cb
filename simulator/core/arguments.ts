import { parseArgs } from 'node:util';
import { Unknown } from './call.ts';

export interface Options {
  flags?: readonly string[];
  values?: readonly string[];
  /** One-letter forms: letter → long name. */
  short?: Readonly<Record<string, string>>;
}

export interface Parsed {
  has(flag: string): boolean;
  value(name: string): string | undefined;
  all(name: string): string[];
  positionals: string[];
}

/** Throws {@link Unknown} for an option that is not listed. */
export function readOptions(args: readonly string[], { flags = [], values = [], short = {} }: Options): Parsed {
  const letters = Object.fromEntries(Object.entries(short).map(([letter, name]) => [name, letter]));
  const option = (type: 'boolean' | 'string') => (name: string) =>
    [
      name,
      { type, multiple: true as const, ...(letters[name] === undefined ? {} : { short: letters[name] }) },
    ] as const;
  const options = Object.fromEntries([...flags.map(option('boolean')), ...values.map(option('string'))]);
  try {
    const read = parseArgs({ args: joinValues(args, values, short), options, strict: true, allowPositionals: true });
    const all = (name: string): string[] => (read.values[name] ?? []).map(String);
    return {
      has: (flag) => read.values[flag] !== undefined,
      value: (name) => all(name).at(-1),
      all,
      positionals: read.positionals,
    };
  } catch (error) {
    throw new Unknown((error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '');
  }
}

/** `--ssh-opts '-p 22'` → `--ssh-opts=-p 22`: programs take the next word, whatever it begins with. */
function joinValues(args: readonly string[], values: readonly string[], short: Options['short'] = {}): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (word === '--') return [...joined, ...args.slice(i)];
    const name = /^--(.+)$/.exec(word)?.[1] ?? short[/^-(.)$/.exec(word)?.[1] ?? ''];
    if (name !== undefined && values.includes(name) && i + 1 < args.length) joined.push(`--${name}=${args[++i] ?? ''}`);
    else joined.push(word);
  }
  return joined;
}

/** Options up to the first word that is none: what follows is a command of its own. */
export function splitCommand(
  args: readonly string[],
  valued: readonly string[],
): { options: string[]; command: string[] } {
  let i = 0;
  while (i < args.length) {
    const word = args[i] ?? '';
    if (word === '--') return { options: args.slice(0, i), command: args.slice(i + 1) };
    if (!word.startsWith('-')) break;
    i += valued.includes(word) ? 2 : 1;
  }
  return { options: args.slice(0, i), command: args.slice(i) };
}
