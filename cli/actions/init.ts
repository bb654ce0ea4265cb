import { basename, join, relative, resolve } from 'node:path';
import { count } from '../../plan/count.ts';
import type { CommandContext } from '../context.ts';
import { CliError, renderSuggestions } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { readAnswers, type Answers, type InitOptions } from '../init/answers.ts';
import { monorepoFiles, type InitFile } from '../init/files.ts';
import { askFor } from '../init/questions.ts';
import { compare, tidy, writeFiles, type Compared } from '../init/write.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { painter } from '../render/paint.ts';
import { wrap } from '../render/text.ts';

export interface InitCommandOptions extends InitOptions {
  dryRun?: true;
  json?: true;
}

/** Writes a monorepo of the reference architecture into a folder; overwrites nothing. */
export async function init(
  context: CommandContext,
  typed: string | undefined,
  options: InitCommandOptions,
): Promise<Ending> {
  const { io } = context;
  const folder = resolve(io.cwd, typed ?? context.repo ?? '.');
  const defaults = { name: nameFrom(folder), timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  const asked = io.ask === undefined || options.json === true ? options : await askFor(options, io.ask, defaults);
  const answers = readAnswers(asked, defaults);
  const files = await monorepoFiles(answers);
  const compared = await compare(folder, files);
  const state = stateOf(compared, options);
  if (state === 'written') await writeFiles(folder, newOnes(files, compared));
  if (state === 'already so') await tidy(folder);
  const shown = { folder, state, files: compared };
  if (options.json === true) printJson(io, shown);
  else show(context, { ...shown, answers });
  return state === 'refused' ? 'failed' : state === 'already so' ? 'already so' : 'done';
}

type State = 'written' | 'would be written' | 'already so' | 'refused';

function stateOf(compared: readonly Compared[], { dryRun = false }: { dryRun?: boolean }): State {
  if (compared.some(({ state }) => state === 'differs')) return 'refused';
  if (compared.every(({ state }) => state === 'same')) return 'already so';
  return dryRun ? 'would be written' : 'written';
}

const newOnes = (files: readonly InitFile[], compared: readonly Compared[]): InitFile[] =>
  files.filter((_file, index) => compared[index]?.state === 'new');

/** The folder's name, where a fleet may have it. */
const nameFrom = (folder: string): string => {
  const name = basename(folder);
  return /^[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(name) ? name : 'homelab';
};

interface Shown {
  folder: string;
  state: State;
  files: readonly Compared[];
  answers: Answers;
}

function show({ io }: CommandContext, { folder, state, files, answers }: Shown): void {
  const paint = painter(colourOf(io));
  const here = relative(io.cwd, folder);
  const place = here === '' ? 'this folder' : clean(here);
  const differing = files.filter((file) => file.state === 'differs');
  if (state === 'refused')
    throw new CliError(
      'failed',
      `Nothing was written: ${count(differing.length, 'file')} of ${place} would be overwritten.`,
      {
        description: [
          ...differing.slice(0, MOST_NAMED).map(({ path, why }) => `${path}: ${why ?? ''}`),
          ...(differing.length > MOST_NAMED ? [`and ${differing.length - MOST_NAMED} more`] : []),
          'runbook init overwrites nothing. Move them away, or name an empty folder.',
        ],
      },
    );
  const fresh = files.filter((file) => file.state === 'new');
  const lines: Record<Exclude<State, 'refused'>, string> = {
    'already so': `= already so: ${place} has all ${count(files.length, 'file')}`,
    'would be written': `${count(fresh.length, 'file')} would be written into ${place}. Nothing was changed.`,
    written: `✔ ${count(fresh.length, 'file')} written into ${place}`,
  };
  print(io, wrap(lines[state], widthOf(io)));
  if (state === 'would be written')
    print(io, ['', ...files.map(({ path, state: each }) => `  ${each === 'new' ? '+' : '='} ${path}`)]);
  if (state !== 'written') return;
  const { members, guests } = answers;
  print(io, [
    ...wrap(
      `${answers.name}: ${count(members.length, 'member')}, ${count(guests.length, 'guest')}. README.md has every step from here.`,
      widthOf(io),
    ),
    ...(members.length === 1 && guests.length > 0
      ? wrap('No backups yet: one member has nowhere to copy to. README.md says what to add.', widthOf(io))
      : []),
    '',
    ...renderSuggestions(nextSteps(here)).map((line) => paint('bold', line)),
  ]);
}

const MOST_NAMED = 12;

const nextSteps = (here: string) => [
  ...(here === '' ? [] : [{ command: `cd ${join(here)}`, purpose: 'go there' }]),
  { command: 'git init && git add .', purpose: 'make it a repository' },
  { command: 'runbook check', purpose: 'hold it to its rules' },
  { command: 'runbook secrets status', purpose: 'see whose keys are missing' },
];
