import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addStatus: AddCommand = (parent, context) => {
  parent
    .command('status')
    .summary('what runs, and what waits for you')
    .description('Shows the fleet, the runs that are open, and what waits for a person, with the command to type.')
    .option('--live', 'have a worker look at members and guests, which takes some seconds')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook status', 'runbook status --live'], [...TEMPORAL_ENDINGS, 'no worker']))
    .action(async (options) => {
      const { status } = await import('../actions/status.ts');
      context.ending = await status(context, options);
    });
};
