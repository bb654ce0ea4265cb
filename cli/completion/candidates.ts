import type { CommandUnknownOpts as Command, Option } from '@commander-js/extra-typings';

/** What may stand where the cursor is. */
export interface Candidate {
  value: string;
  description: string;
}

/** Names that are not in the command tree. Each is asked for only where it may stand. */
export interface NameSources {
  nodes: () => Promise<string[]>;
  schedules: () => Promise<string[]>;
  runs: () => Promise<string[]>;
}

/** A name that a shell would read as anything but itself is not offered: it would be typed for the person. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._@:+/-]*$/;

/**
 * What may follow. `words` are those behind `runbook`, the last being the one under the cursor, perhaps empty.
 * Pure but for the sources.
 */
export async function candidatesFor(
  root: Command,
  words: readonly string[],
  sources: NameSources,
): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const { command, option, positionals } = walk(root, words.slice(0, -1));
  const all = await (option !== undefined
    ? valuesOf(option, sources)
    : current.startsWith('-')
      ? optionsOf(command)
      : positionalsOf(command, positionals, sources));
  return all.filter(({ value }) => value.startsWith(current));
}

/** Follows the words into the tree: where they lead, and whether an option still wants its value. */
function walk(
  root: Command,
  words: readonly string[],
): { command: Command; option: Option | undefined; positionals: number } {
  let command = root;
  let option: Option | undefined;
  let positionals = 0;
  for (const word of words) {
    if (word.startsWith('-')) option = wantsValue(command, word);
    else if (option !== undefined) option = option.variadic ? option : undefined;
    else {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) positionals += 1;
      else command = next;
    }
  }
  return { command, option, positionals };
}

function wantsValue(command: Command, word: string): Option | undefined {
  const known = [...command.options, ...(command.parent?.options ?? [])].find(({ short, long }) =>
    [short, long].includes(word),
  );
  return known?.required === true || known?.optional === true ? known : undefined;
}

function valuesOf(option: Option, { nodes, runs }: NameSources): Promise<Candidate[]> {
  switch (option.attributeName()) {
    case 'node':
    case 'guest':
    case 'subject':
    case 'allowOffline':
      return named(nodes(), 'node');
    case 'run':
      return named(runs(), 'run');
    default:
      return named(Promise.resolve([...(option.argChoices ?? [])]), '');
  }
}

const optionsOf = (command: Command): Promise<Candidate[]> =>
  Promise.resolve(
    [...command.options, ...rootOptions(command), { long: '--help', description: 'say what it takes', hidden: false }]
      .filter(({ hidden }) => !hidden)
      .map(({ long, description }) => ({ value: long ?? '', description })),
  );

function rootOptions(command: Command): readonly Option[] {
  let root = command;
  while (root.parent !== null) root = root.parent;
  return root === command ? [] : root.options.filter(({ long }) => long !== '--version');
}

function positionalsOf(command: Command, position: number, { runs, schedules }: NameSources): Promise<Candidate[]> {
  if (command.commands.length > 0) {
    const visible = command.createHelp().visibleCommands(command);
    return Promise.resolve(visible.map((each) => ({ value: each.name(), description: each.summary() })));
  }
  const argument = command.registeredArguments[position];
  if (argument === undefined) return optionsOf(command);
  if (argument.name() === 'run') return named(runs(), 'run');
  if (argument.name() === 'schedule') return named(schedules(), 'schedule');
  return named(Promise.resolve([...(argument.argChoices ?? [])]), '');
}

const named = async (names: Promise<string[]>, description: string): Promise<Candidate[]> =>
  (await names).filter((name) => PLAIN.test(name)).map((value) => ({ value, description }));
