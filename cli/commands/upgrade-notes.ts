import { helpAfter, type AddCommand } from '../context.ts';

export const addUpgradeNotes: AddCommand = (parent, context) => {
  parent
    .command('upgrade-notes')
    .summary('what to do after an upgrade of runbook')
    .description('Prints what a person has to do between versions of runbook, out of CHANGELOG.md. Needs no server.')
    .option('--from <version>', 'the version that you had: only what came after it')
    .addHelpText(
      'after',
      helpAfter(['runbook upgrade-notes', 'runbook upgrade-notes --from 0.1.0'], ['done', 'wrong usage']),
    )
    .action(async (options) => {
      const { upgradeNotes } = await import('../actions/upgrade-notes.ts');
      context.ending = await upgradeNotes(context, options);
    });
};
