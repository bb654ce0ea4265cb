import { helpAfter, JSON_OPTION, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addShow: AddCommand = (parent, context) => {
  parent
    .command('show')
    .summary('the steps of a run, open or closed')
    .description('Shows the steps of a run with their times, attempts and outcomes. A closed run needs no worker.')
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook show safe-upgrade/elitedesk-1'], TEMPORAL_ENDINGS))
    .action(async (run, options) => {
      const { show } = await import('../actions/show.ts');
      context.ending = await show(context, run, options);
    });
};
