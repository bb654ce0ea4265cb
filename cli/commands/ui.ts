import { helpAfter, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addUi: AddCommand = (parent, context) => {
  parent
    .command('ui')
    .summary('a run’s page in the Web UI')
    .description('Prints the address of a run’s page in the Temporal Web UI.')
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--open', 'open it in the browser')
    .addHelpText('after', helpAfter(['runbook ui safe-upgrade/elitedesk-1 --open'], TEMPORAL_ENDINGS))
    .action(async (run, options) => {
      const { ui } = await import('../actions/ui.ts');
      context.ending = await ui(context, run, options);
    });
};
