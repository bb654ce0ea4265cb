import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { helpAfter, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

const OUTCOMES = ['Done', 'AlreadySo', 'RolledBack', 'Failed'] as const;

export const addList: AddCommand = (parent, context) => {
  parent
    .command('list')
    .summary('recent runs')
    .description('Lists runs: open ones, then the latest that ended, for as long as Temporal keeps them.')
    .option('--runbook <name>', 'only of this runbook, as safe-upgrade')
    .option('--subject <name>', 'only of this node, or of all')
    .addOption(new Option('--outcome <outcome>', 'only those that ended so').choices(OUTCOMES))
    .option('--limit <n>', 'at most so many', parseLimit, 20)
    .option('--json', 'print each run as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook list --subject elitedesk-1 --outcome RolledBack'], TEMPORAL_ENDINGS))
    .action(async (options) => {
      const { list } = await import('../actions/list.ts');
      context.ending = await list(context, options);
    });
};

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 to 99999.');
  return Number(text);
}
