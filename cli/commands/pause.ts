import {
  helpAfter,
  RUN_ARGUMENT,
  RUN_ID_OPTION,
  TEMPORAL_ENDINGS,
  type AddCommand,
  type CommandContext,
} from '../context.ts';
import type { Command } from '@commander-js/extra-typings';

export const addPauseAndResume: AddCommand = (parent, context) => {
  addOne(parent, context, {
    name: 'pause',
    paused: true,
    summary: 'hold a run before its next step',
    description: 'Holds a run before its next step. The step under way ends first; a rollback is never held.',
  });
  addOne(parent, context, {
    name: 'resume',
    paused: false,
    summary: 'let a paused run go on',
    description: 'Lets a paused run go on.',
  });
};

function addOne(
  parent: Command,
  context: CommandContext,
  { name, paused, summary, description }: { name: string; paused: boolean; summary: string; description: string },
): void {
  parent
    .command(name)
    .summary(summary)
    .description(description)
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .addHelpText('after', helpAfter([`runbook ${name} safe-upgrade/elitedesk-1`], [...TEMPORAL_ENDINGS, 'no worker']))
    .action(async (run, options) => {
      const { setPaused } = await import('../actions/decide.ts');
      context.ending = await setPaused(context, run, paused, options);
    });
}
