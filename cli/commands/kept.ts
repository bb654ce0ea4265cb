import type { Command } from '@commander-js/extra-typings';
import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand, type CommandContext } from '../context.ts';

export const addKept: AddCommand = (parent, context) => {
  addListKept(parent, context);
  addReleaseKept(parent, context);
};

function addListKept(parent: Command, context: CommandContext): void {
  parent
    .command('list-kept')
    .summary('what runs have set aside on members')
    .description(
      'Shows the datasets and folders that runs have set aside instead of destroying them, with the command that does. Exit code 1: a member did not answer.',
    )
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook list-kept'], [...TEMPORAL_ENDINGS, 'no worker']))
    .action(async (options) => {
      const { listKept } = await import('../actions/kept.ts');
      context.ending = await listKept(context, options);
    });
}

function addReleaseKept(parent: Command, context: CommandContext): void {
  parent
    .command('release-kept')
    .summary('destroy what a run has set aside')
    .description(
      'Destroys one dataset or folder that a run has set aside, once its name was typed again. Anything else is refused.',
    )
    .argument('<name>', 'what is kept, as list-kept shows it')
    .requiredOption('--node <name>', 'the member or backup host that it is on')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        ['runbook release-kept tank/incus.old --node nuc-1'],
        [...TEMPORAL_ENDINGS, 'already running', 'no worker', 'interrupted'],
      ),
    )
    .action(async (name, options) => {
      const { releaseKept } = await import('../actions/start.ts');
      context.ending = await releaseKept(context, name, options);
    });
}
