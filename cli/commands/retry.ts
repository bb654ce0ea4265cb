import { helpAfter, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addRetry: AddCommand = (parent, context) => {
  parent
    .command('retry')
    .summary('start a run that did not get there again')
    .description(
      'Starts a run that failed, was rolled back or was ended again, with the same commit and options. What is done already is found done and left so.',
    )
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        ['runbook retry safe-upgrade/elitedesk-1'],
        [...TEMPORAL_ENDINGS, 'rolled back', 'already running', 'no worker', 'interrupted'],
      ),
    )
    .action(async (run, options) => {
      const { retry } = await import('../actions/retry.ts');
      context.ending = await retry(context, run, options);
    });
};
