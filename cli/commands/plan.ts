import { Option } from '@commander-js/extra-typings';
import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { RESTORE_AT, RESTORE_IN_PLACE } from './restore-at.ts';

const PLAN_ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage', 'unreachable', 'no worker', 'interrupted'];

export const addPlan: AddCommand = (parent, context) => {
  const plan = parent
    .command('plan')
    .summary('what a run would do')
    .description('Looks at the fleet and says what a run would do, or why it would refuse. Changes nothing.')
    .addHelpText('after', helpAfter(['runbook plan safe-upgrade --node elitedesk-1'], PLAN_ENDINGS));
  plan
    .command('safe-upgrade')
    .summary('what an upgrade of a node would do')
    .description('What an upgrade would snapshot, deploy, restart and verify. Exit code 1: it would refuse.')
    .addOption(new Option('--node <name>', 'the member or guest').conflicts('all'))
    .option('--all', 'every member, one at a time')
    .option('--allow-offline <name...>', 'members that are meant to be away, guests that are meant to be off')
    .option('--allow-orchestrator', 'the node may carry Temporal or the worker')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan safe-upgrade --node elitedesk-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planSafeUpgrade } = await import('../actions/plan.ts');
      context.ending = await planSafeUpgrade(context, options);
    });
  plan
    .command('cluster-upgrade')
    .summary('what a move of all members to a newer Incus would do')
    .description('What a move of all members to a newer Incus would do. Exit code 1: it would refuse.')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan cluster-upgrade'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheClusterUpgrade } = await import('../actions/plan.ts');
      context.ending = await planTheClusterUpgrade(context, options);
    });
  plan
    .command('cluster-bootstrap')
    .summary('what forming the cluster would do')
    .description('What forming the cluster, or letting new members join it, would do. Exit code 1: it would refuse.')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan cluster-bootstrap'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheClusterBootstrap } = await import('../actions/plan.ts');
      context.ending = await planTheClusterBootstrap(context, options);
    });
  plan
    .command('member-remove')
    .summary('what taking a member out of the cluster would do')
    .description('What taking a member out of the cluster would do. Exit code 1: it would refuse.')
    .requiredOption('--node <name>', 'the member')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan member-remove --node nuc-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheMemberRemove } = await import('../actions/plan.ts');
      context.ending = await planTheMemberRemove(context, options);
    });
  plan
    .command('node-reinstall')
    .summary('what installing a member anew would erase')
    .description('What installing a member anew would erase, and what stays. Exit code 1: it would refuse.')
    .requiredOption('--node <name>', 'the member')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan node-reinstall --node nuc-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planNodeReinstall } = await import('../actions/plan.ts');
      context.ending = await planNodeReinstall(context, options);
    });
  plan
    .command('node-rejoin')
    .summary('what bringing a lost member back would do')
    .description(
      'What bringing a lost member back would import, forget, rename and recover. Exit code 1: it would refuse.',
    )
    .requiredOption('--node <name>', 'the member')
    .option('--anew', 'join anew, also where a saved identity could be restored')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan node-rejoin --node nuc-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planNodeRejoin } = await import('../actions/plan.ts');
      context.ending = await planNodeRejoin(context, options);
    });
  plan
    .command('quorum-recover')
    .summary('what giving the database to one survivor would do')
    .description(
      'Who would carry the cluster’s database on, whose Incus would be stopped meanwhile, who is taken for gone. Exit code 1: it would refuse.',
    )
    .requiredOption('--node <name>', 'the survivor')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan quorum-recover --node nuc-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planQuorumRecover } = await import('../actions/plan.ts');
      context.ending = await planQuorumRecover(context, options);
    });
  plan
    .command('vm-recreate')
    .summary('what making a guest anew would do')
    .description(
      'Which instance would be renamed aside, what the new one is made from, which volumes it gets, and which files would be encrypted anew. Exit code 1: it would refuse.',
    )
    .requiredOption('--guest <name>', 'the guest')
    .option('--keep-old <duration>', 'how long the old one is to be kept; 0s: not at all', '7d')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan vm-recreate --guest edge-vm'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planVmRecreate } = await import('../actions/plan.ts');
      context.ending = await planVmRecreate(context, options);
    });
  plan
    .command('rotate-keys')
    .summary('what another key for a guest would change')
    .description(
      'Which files would be encrypted anew, to whom, and what the old key could have read. Exit code 1: it would refuse.',
    )
    .requiredOption('--guest <name>', 'the guest')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan rotate-keys --guest edge-vm'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planRotateKeys } = await import('../actions/plan.ts');
      context.ending = await planRotateKeys(context, options);
    });
  plan
    .command('identity-backup')
    .summary('what saving identities would do')
    .description('Whose identity would be saved where, and who cannot be read. Exit code 1: it would refuse.')
    .option('--node <name>', 'only this member')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan identity-backup'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheIdentityBackup } = await import('../actions/plan.ts');
      context.ending = await planTheIdentityBackup(context, options);
    });
  plan
    .command('nightly-backup')
    .summary('what a backup would copy')
    .description('Which volumes would be copied where, and what keeps them from it. Exit code 1: it would refuse.')
    .option('--backup <name>', 'only this entry of backups')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan nightly-backup'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheNightlyBackup } = await import('../actions/plan.ts');
      context.ending = await planTheNightlyBackup(context, options);
    });
  plan
    .command('restore-drill')
    .summary('which copies a drill would restore')
    .description(
      'Which copies would be restored and compared, why those, and what cannot be proven. Exit code 1: it would refuse.',
    )
    .option('--backup <name>', 'only this entry of backups')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan restore-drill'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planRestoreDrill } = await import('../actions/plan.ts');
      context.ending = await planRestoreDrill(context, options);
    });
  plan
    .command('restore')
    .summary('what bringing a volume back would make')
    .description(
      'Which copy would be taken, how old it is, and where the new volume would be. Exit code 1: it would refuse.',
    )
    .option('--volume <name>', 'the volume')
    .option('--project <name>', 'its project in Incus (default: default)')
    .option('--at <time>', RESTORE_AT)
    .option('--to <name>', 'what the new volume, or the folder in the guest, is called')
    .option('--member <name>', 'where it is made (default: the member of its guest)')
    .option('--backup <name>', 'only copies of this entry of backups')
    .option('--from <host>', 'only replicas on this host; restic: files of the guest of --backup')
    .option('--path <path>', 'from restic: only what is in this folder')
    .option('--in-place', RESTORE_IN_PLACE)
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan restore --volume edge-data --at 2026-11-20'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planTheRestore } = await import('../actions/plan.ts');
      context.ending = await planTheRestore(context, options);
    });
  plan
    .command('infra-apply')
    .summary('what Terraform would do to a member’s infrastructure')
    .description(
      'What Terraform would create, change, replace and delete for a member, and why. Exit code 1: it cannot be planned.',
    )
    .addOption(new Option('--node <name>', 'the member').conflicts('all'))
    .option('--all', 'every member that has a folder')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook plan infra-apply --node nuc-1'], PLAN_ENDINGS))
    .action(async (options) => {
      const { planInfraApply } = await import('../actions/plan.ts');
      context.ending = await planInfraApply(context, options);
    });
};
