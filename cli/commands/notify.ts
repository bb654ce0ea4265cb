import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';
import type { Ending } from '../exit-codes.ts';

const ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage', 'wrong config'];

export const addNotify: AddCommand = (parent, context) => {
  const notify = parent
    .command('notify')
    .summary('try the channels that tell you')
    .description('Tries the channels of the section notifications (docs/notifications.md).')
    .addHelpText('after', helpAfter(['runbook notify test'], ENDINGS));
  notify
    .command('test')
    .summary('send a test message')
    .description(
      'Sends a test message on each channel of runbook.yaml as it is on disk, from this machine and user, and says what was answered. Exit code 1: one was not sent.',
    )
    .option('--channel <name>', 'only on this one')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook notify test', 'runbook notify test --channel phone'], ENDINGS))
    .action(async (options) => {
      const { notifyTest } = await import('../actions/notify-test.ts');
      context.ending = await notifyTest(context, options);
    });
};
