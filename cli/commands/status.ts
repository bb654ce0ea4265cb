import { Option } from '@commander-js/extra-typings';
import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addStatus: AddCommand = (parent, context) => {
  parent
    .command('status')
    .summary('the fleet in one screen, and what waits for you')
    .description(
      'Shows the fleet, the runs that are open and what waits for a person, with the command to type; then how old copies are and when a restore of them was proven, drift, and when schedules are next due.',
    )
    .option('--live', 'have a worker look at members, guests and copies, which takes some seconds')
    .addOption(new Option('--watch', 'look again and again, until Ctrl-C').conflicts(['json', 'html']))
    .addOption(
      new Option('--html <file>', 'write one HTML page, with pictures of the last 90 days; - prints it').conflicts(
        'json',
      ),
    )
    .option('--json', JSON_OPTION)
    .addHelpText(
      'after',
      helpAfter(
        ['runbook status', 'runbook status --live --watch', 'runbook status --live --html /srv/www/fleet.html'],
        [...TEMPORAL_ENDINGS, 'no worker', 'interrupted'],
      ),
    )
    .action(async (options) => {
      const { status } = await import('../actions/status.ts');
      context.ending = await status(context, options);
    });
};
