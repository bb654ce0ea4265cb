import type { Command } from '@commander-js/extra-typings';
import { exitCodesHelp, type Ending } from './exit-codes.ts';
import type { Io } from './io.ts';

/** What every command gets: the process, where the monorepo is said to be, and where to leave how it ended. */
export interface CommandContext {
  io: Io;
  /** `--repo`, as typed. */
  repo?: string;
  ending: Ending;
}

/** A command file adds its command to its parent. It imports nothing that costs time: `--help` loads all of them. */
export type AddCommand = (parent: Command, context: CommandContext) => void;

/** The end of a command's help: examples, then exit codes. */
export const helpAfter = (examples: readonly string[], endings: readonly Ending[]): string =>
  ['', 'Examples:', ...examples.map((example) => `  ${example}`), '', exitCodesHelp(endings)].join('\n');

/** How any command that talks to Temporal may end besides its own ways. */
export const TEMPORAL_ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage', 'unreachable'];

export const RUN_ARGUMENT = 'the run: <runbook>/<node>, as in safe-upgrade/elitedesk-1; the latest of that id';
export const RUN_ID_OPTION = 'an earlier execution of it, by its Temporal run id';
export const JSON_OPTION = 'print data as JSON (docs/cli.md)';
