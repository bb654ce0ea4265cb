import { helpAfter, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addWatch: AddCommand = (parent, context) => {
  parent
    .command('watch')
    .summary('follow a run until it is over')
    .description('Follows a run until it is over. Ctrl-C leaves it running.')
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(['runbook watch safe-upgrade/elitedesk-1'], [...TEMPORAL_ENDINGS, 'rolled back', 'interrupted']),
    )
    .action(async (run, options) => {
      const { watch } = await import('../actions/watch.ts');
      context.ending = await watch(context, run, options);
    });
};
