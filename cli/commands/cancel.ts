import { helpAfter, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addCancel: AddCommand = (parent, context) => {
  parent
    .command('cancel')
    .summary('stop a run; what it changed is rolled back')
    .description(
      'Asks a run to stop and follows it to its end. What it changed is rolled back first. A run that was done before it noticed counts as failed.',
    )
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook cancel safe-upgrade/elitedesk-1'], [...TEMPORAL_ENDINGS, 'interrupted']))
    .action(async (run, options) => {
      const { cancel } = await import('../actions/cancel.ts');
      context.ending = await cancel(context, run, options);
    });
};
