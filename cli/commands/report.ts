import { Option } from '@commander-js/extra-typings';
import { helpAfter, RUN_ARGUMENT, RUN_ID_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addReport: AddCommand = (parent, context) => {
  parent
    .command('report')
    .summary('what happened in a run, minute by minute')
    .description(
      'Tells what happened in a run: one HTML page with a timeline that needs nothing else, or Markdown. A closed run needs no worker.',
    )
    .argument('<run>', RUN_ARGUMENT)
    .option('--run-id <id>', RUN_ID_OPTION)
    .addOption(new Option('--html <file>', 'write one HTML page; - prints it').conflicts('markdown'))
    .option('--markdown', 'print Markdown (the default)')
    .addHelpText('after', helpAfter(['runbook report safe-upgrade/elitedesk-1 --html report.html'], TEMPORAL_ENDINGS))
    .action(async (run, options) => {
      const { report } = await import('../actions/report.ts');
      context.ending = await report(context, run, options);
    });
};
