import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addDrift: AddCommand = (parent, context) => {
  parent
    .command('drift')
    .summary('what is not as declared, as it was last looked at')
    .description(
      'Shows what the newest run of drift has found, and how old that is. Exit code 1: something is not as declared, or could not be looked at.',
    )
    .option('--node <name>', 'what drift --node found of this member or guest')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook drift', 'runbook start drift'], TEMPORAL_ENDINGS))
    .action(async (options) => {
      const { showDrift } = await import('../actions/drift.ts');
      context.ending = await showDrift(context, options);
    });
};
