import { helpAfter, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';

export const addBackupsResolve: AddCommand = (parent, context) => {
  parent
    .command('resolve')
    .summary('decide about a replica that copies cannot go on with')
    .description(
      'For a replica that has diverged, was written to or has nothing in common with its source any more. It says what only the replica has, and asks. Kept aside it loses nothing, and the next copy is a whole one; rolled back it loses what its source does not have. Where nothing is in the way, nothing is done.',
    )
    .requiredOption('--volume <name>', 'the volume, as runbook backups shows it')
    .requiredOption('--target <host>', 'the member or backup host that has the replica')
    .option('--dataset <name>', 'in which dataset, where that host has several replicas of it')
    .option('--roll-back', 'back to what both sides have, instead of keeping it aside; asks for its name')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        [
          'runbook backups resolve --volume edge-data --target nuc-1',
          'runbook backups resolve --volume edge-data --target nuc-1 --roll-back',
        ],
        [...TEMPORAL_ENDINGS, 'already running', 'no worker', 'interrupted'],
      ),
    )
    .action(async (options) => {
      const { resolveReplica } = await import('../actions/start.ts');
      context.ending = await resolveReplica(context, options);
    });
};
