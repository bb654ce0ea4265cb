import { Command, CommanderError, Help } from '@commander-js/extra-typings';
import { addBackups } from './commands/backups.ts';
import { addCancel } from './commands/cancel.ts';
import { addCodec, addCodecServer } from './commands/codec.ts';
import { addCompletion } from './commands/completion.ts';
import { addDecisions } from './commands/decide.ts';
import { addDrift } from './commands/drift.ts';
import { addDoctor } from './commands/doctor.ts';
import { addCheckAndSchema } from './commands/fleet-file.ts';
import { addInit } from './commands/init.ts';
import { addKept } from './commands/kept.ts';
import { addList } from './commands/list.ts';
import { addNotify } from './commands/notify.ts';
import { addPauseAndResume } from './commands/pause.ts';
import { addPlan } from './commands/plan.ts';
import { addReport } from './commands/report.ts';
import { addRetry } from './commands/retry.ts';
import { addWorkerAndDev } from './commands/serve.ts';
import { addSecrets } from './commands/secrets.ts';
import { addSchedules } from './commands/schedules.ts';
import { addShow } from './commands/show.ts';
import { addStart } from './commands/start.ts';
import { addStatus } from './commands/status.ts';
import { addUi } from './commands/ui.ts';
import { addUpgradeNotes } from './commands/upgrade-notes.ts';
import { addWatch } from './commands/watch.ts';
import { helpAfter, type AddCommand, type CommandContext } from './context.ts';
import { reportError } from './errors.ts';
import { EVERY_ENDING, exitCode, type Ending } from './exit-codes.ts';
import { colourOf, widthOf, type Io } from './io.ts';
import { clean } from './render/clean.ts';
import { foldLine } from './render/text.ts';
import { VERSION } from './version.ts';

/** In the order in which help shows them. */
const COMMANDS: readonly AddCommand[] = [
  addStatus,
  addPlan,
  addStart,
  addWatch,
  addList,
  addShow,
  addReport,
  addUi,
  addDecisions,
  addPauseAndResume,
  addCancel,
  addRetry,
  addBackups,
  addDrift,
  addKept,
  addSchedules,
  addInit,
  addCheckAndSchema,
  addSecrets,
  addDoctor,
  addNotify,
  addWorkerAndDev,
  addCodec,
  addCodecServer,
  addUpgradeNotes,
  addCompletion,
];

/** The command tree. Building it loads nothing but commander; each command loads what it needs when it runs. */
export function buildProgram(context: CommandContext): Command {
  const { io } = context;
  const program = new Command('runbook')
    .description('Durable upgrades for a small NixOS, ZFS and Incus fleet, with a verified way back.')
    .version(VERSION)
    .option('--repo <dir>', 'the monorepo with runbook.yaml (default: the one this folder is in)')
    .addHelpText(
      'after',
      helpAfter(
        [
          'runbook status',
          'runbook plan safe-upgrade --node elitedesk-1',
          'runbook start safe-upgrade --node elitedesk-1',
        ],
        EVERY_ENDING,
      ),
    )
    .exitOverride()
    .configureHelp({ minWidthToWrap: NARROWEST, formatItem })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(folded(text, widthOf(io))),
      // What was typed is quoted here, and may have been pasted from anywhere.
      writeErr: (text) => void io.stderr.write(folded(text.split('\n').map(clean).join('\n'), widthOf(io, io.stderr))),
      getOutHelpWidth: () => helpWidth(widthOf(io)),
      getErrHelpWidth: () => helpWidth(widthOf(io, io.stderr)),
      getOutHasColors: () => colourOf(io),
      getErrHasColors: () => colourOf(io, io.stderr),
    })
    .showHelpAfterError('Type it with --help to see what it takes.')
    .hook('preAction', (root) => {
      const { repo } = root.opts();
      if (repo !== undefined) context.repo = repo;
    });
  const tree: Command = program;
  for (const add of COMMANDS) add(tree, context);
  return tree;
}

/** Columns that a description needs beside what it describes; where there are fewer it goes below. */
const NARROWEST = 20;

function formatItem(this: Help, term: string, termWidth: number, description: string): string {
  const width = this.helpWidth ?? Number.POSITIVE_INFINITY;
  if (width - termWidth - 4 >= NARROWEST)
    return Help.prototype.formatItem.call(this, term, termWidth, description, this);
  return [`  ${term}`, ...foldLine(`      ${description}`, width)].join('\n');
}

const folded = (text: string, width: number): string =>
  text
    .split('\n')
    .flatMap((line) => foldLine(line, width))
    .join('\n');

const helpWidth = (width: number): number => Math.min(width, 100);

/**
 * Runs one command line (without `node` and the script) and returns the exit code. Never throws, never exits:
 * what went wrong was said on stderr.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const context: CommandContext = { io, ending: 'done' };
  try {
    await buildProgram(context).parseAsync(argv, { from: 'user' });
    return exitCode(context.ending);
  } catch (error) {
    return exitCode(error instanceof CommanderError ? usageEnding(error) : reportError(io, error));
  }
}

/** Commander has said already what was wrong with the command line. */
const usageEnding = (error: CommanderError): Ending => (error.exitCode === 0 ? 'done' : 'wrong usage');
