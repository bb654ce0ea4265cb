import { resolve } from 'node:path';
import { BadSetting } from '../../workers/bad-setting.ts';
import { addKey, newKeyId, writeKeyFile } from '../../workers/codec/new-key.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { clean } from '../render/clean.ts';

/** Makes a key, in a new file or behind those of one that is there. The key itself is not shown. */
export function newKey(
  { io }: CommandContext,
  typed: string,
  { id = newKeyId(io.now()), add }: { id?: string; add?: true },
): Ending {
  const file = resolve(io.cwd, typed);
  try {
    if (add === true) addKey(file, id);
    else writeKeyFile(file, id);
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error;
    throw new CliError('wrong config', 'No key was made.', { description: [error.message] });
  }
  print(io, add === true ? added(clean(file), id) : made(clean(file), id));
  return 'done';
}

const made = (file: string, id: string): string[] => [
  `${file} has the key ${id}.`,
  'Keep a copy where Temporal’s data are not: without it what was encrypted is lost.',
  `Wherever runbook speaks to Temporal, workers first:  RUNBOOK_CODEC_KEYS=${file}`,
];

const added = (file: string, id: string): string[] => [
  `${file} has the key ${id} as well, and does not encrypt by it yet.`,
  'Once every worker and command line has this file, move its line above the others.',
];
