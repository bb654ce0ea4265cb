import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand } from '../context.ts';
import { addBackupsResolve } from './backups-resolve.ts';

export const addBackups: AddCommand = (parent, context) => {
  const backups = parent
    .command('backups')
    .enablePositionalOptions()
    .summary('how old the copies of the guests’ data are')
    .description(
      'Looks at every copy that backups declares, where it is: what is fresh is what was seen there, not what a run said. Exit code 1: not every copy is fresh.',
    )
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook backups'], [...TEMPORAL_ENDINGS, 'no worker']))
    .action(async (options) => {
      const { listBackups } = await import('../actions/backups.ts');
      context.ending = await listBackups(context, options);
    });
  addBackupsResolve(backups, context);
  backups
    .command('list')
    .summary('what there is to restore from')
    .description(
      'Lists every snapshot of the guests’ volumes where it is: on its member, in its replicas, in restic repositories; also of what is gone. Exit code 1: a place does not answer.',
    )
    .option('--volume <name>', 'only of this one; of a project as PROJECT/NAME')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook backups list --volume edge-data'], [...TEMPORAL_ENDINGS, 'no worker']))
    .action(async (_, command) => {
      const { listRestorable } = await import('../actions/backups-list.ts');
      context.ending = await listRestorable(context, command.optsWithGlobals());
    });
};
