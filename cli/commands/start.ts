import { Option, type Command } from '@commander-js/extra-typings';
import { helpAfter, type AddCommand, type CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { RESTORE_AT, RESTORE_IN_PLACE } from './restore-at.ts';

const START_ENDINGS: readonly Ending[] = [
  'done',
  'failed',
  'wrong usage',
  'rolled back',
  'already running',
  'unreachable',
  'no worker',
  'interrupted',
];

export const addStart: AddCommand = (parent, context) => {
  const start = parent
    .command('start')
    .summary('start a run and follow it')
    .description('Starts a run of a runbook and follows it. Ctrl-C leaves it running.')
    .addHelpText('after', helpAfter(['runbook start safe-upgrade --node elitedesk-1'], START_ENDINGS));
  addSafeUpgrade(start, context);
  addClusterUpgrade(start, context);
  addClusterBootstrap(start, context);
  addMemberRemove(start, context);
  addNodeReinstall(start, context);
  addNodeRejoin(start, context);
  addQuorumRecover(start, context);
  addRotateKeys(start, context);
  addVmRecreate(start, context);
  addIdentityBackup(start, context);
  addNightlyBackup(start, context);
  addRestoreDrill(start, context);
  addRestore(start, context);
  addInfraApply(start, context);
  addStartDrift(start, context);
};

function addSafeUpgrade(start: Command, context: CommandContext): void {
  start
    .command('safe-upgrade')
    .summary('upgrade a node, with a verified way back')
    .description(
      'Brings a member with its guests, or one guest, to the system of the monorepo’s commit: snapshot, deploy, verify; rolls back what is not healthy.',
    )
    .addOption(new Option('--node <name>', 'the member or guest to upgrade').conflicts('all'))
    .option('--all', 'every member, one at a time; stops at the first that is not healthy')
    .option('--allow-offline <name...>', 'members that are meant to be away, guests that are meant to be off')
    .option('--allow-orchestrator', 'the node may carry Temporal or the worker')
    .option('--detach', 'start it and return')
    .option('--yes', 'do not ask before all members are upgraded')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        ['runbook start safe-upgrade --node elitedesk-1', 'runbook start safe-upgrade --all --detach --yes'],
        START_ENDINGS,
      ),
    )
    .action(async (options) => {
      const { startSafeUpgrade } = await import('../actions/start.ts');
      context.ending = await startSafeUpgrade(context, options);
    });
}

function addClusterUpgrade(start: Command, context: CommandContext): void {
  start
    .command('cluster-upgrade')
    .summary('move all members to a newer Incus at once (one-way)')
    .description(
      'Moves all members to the Incus version of the monorepo’s commit, at once. There is no way back: the run waits for an approval before it begins.',
    )
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start cluster-upgrade'], START_ENDINGS))
    .action(async (options) => {
      const { startClusterUpgrade } = await import('../actions/start.ts');
      context.ending = await startClusterUpgrade(context, options);
    });
}

function addClusterBootstrap(start: Command, context: CommandContext): void {
  start
    .command('cluster-bootstrap')
    .summary('form the cluster, or let new members join it')
    .description(
      'Forms the cluster that runbook.yaml declares from members that are bare, or lets new ones join it: pools, networks, profiles and groups as declared. A member that holds anything is refused. Run it again to go on.',
    )
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start cluster-bootstrap'], START_ENDINGS))
    .action(async (options) => {
      const { startClusterBootstrap } = await import('../actions/start.ts');
      context.ending = await startClusterBootstrap(context, options);
    });
}

function addMemberRemove(start: Command, context: CommandContext): void {
  start
    .command('member-remove')
    .summary('take a member out of the cluster')
    .description(
      'Takes a member out of the cluster. One that lives has to be empty: nothing is moved. One that is dead is forgotten with its records, by an approval that carries its name.',
    )
    .requiredOption('--node <name>', 'the member')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start member-remove --node nuc-1'], START_ENDINGS))
    .action(async (options) => {
      const { startMemberRemove } = await import('../actions/start.ts');
      context.ending = await startMemberRemove(context, options);
    });
}

function addNodeReinstall(start: Command, context: CommandContext): void {
  start
    .command('node-reinstall')
    .summary('install a member anew')
    .description(
      'Installs a member anew that answers as an installer, by the command that runbook.yaml declares, and deploys to it. It says what is erased and asks for the name first; never a disk of a data pool. Run it again to go on.',
    )
    .requiredOption('--node <name>', 'the member')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start node-reinstall --node nuc-1'], START_ENDINGS))
    .action(async (options) => {
      const { startNodeReinstall } = await import('../actions/start.ts');
      context.ending = await startNodeReinstall(context, options);
    });
}

function addNodeRejoin(start: Command, context: CommandContext): void {
  start
    .command('node-rejoin')
    .summary('bring a lost member back with its data')
    .description(
      'Brings a member back into its cluster whose root disk was lost and reinstalled, or that was away: its pools are imported, its identity is restored or it joins anew, and what ran before runs again. It asks before the cluster forgets anything. Run it again to go on.',
    )
    .requiredOption('--node <name>', 'the member')
    .option('--anew', 'join anew, also where a saved identity could be restored')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start node-rejoin --node nuc-1'], START_ENDINGS))
    .action(async (options) => {
      const { startNodeRejoin } = await import('../actions/start.ts');
      context.ending = await startNodeRejoin(context, options);
    });
}

function addQuorumRecover(start: Command, context: CommandContext): void {
  start
    .command('quorum-recover')
    .summary('give the cluster’s database to one survivor')
    .description(
      'For a cluster most of whose members are gone for good, so that it has no leader: one survivor carries its database on. Each member that is gone has to be named by a person. Run it again to go on.',
    )
    .requiredOption('--node <name>', 'the survivor')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start quorum-recover --node nuc-1'], START_ENDINGS))
    .action(async (options) => {
      const { startQuorumRecover } = await import('../actions/start.ts');
      context.ending = await startQuorumRecover(context, options);
    });
}

function addVmRecreate(start: Command, context: CommandContext): void {
  start
    .command('vm-recreate')
    .summary('make a guest anew, with a key of its own')
    .description(
      'Makes a guest anew from what runbook.yaml declares: the old one is renamed aside, the new one makes its own key of age, files are encrypted to it, its system is deployed, and it gets the data volumes. Until it is healthy, the old one is given back where something fails. It waits for an approval before it begins.',
    )
    .requiredOption('--guest <name>', 'the guest')
    .option('--keep-old <duration>', 'how long the old one is to be kept; 0s: it is removed in the end', '7d')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        ['runbook start vm-recreate --guest edge-vm', 'runbook start vm-recreate --guest edge-vm --keep-old 0s'],
        START_ENDINGS,
      ),
    )
    .action(async (options) => {
      const { startVmRecreate } = await import('../actions/start.ts');
      context.ending = await startVmRecreate(context, options);
    });
}

function addRotateKeys(start: Command, context: CommandContext): void {
  start
    .command('rotate-keys')
    .summary('give a guest another key for its secrets')
    .description(
      'Makes another key of age in a guest, encrypts its files to it with new data keys, deploys them, and takes the old key out once the new one was seen to read them all. It waits for an approval before it begins.',
    )
    .requiredOption('--guest <name>', 'the guest')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start rotate-keys --guest edge-vm'], START_ENDINGS))
    .action(async (options) => {
      const { startRotateKeys } = await import('../actions/start.ts');
      context.ending = await startRotateKeys(context, options);
    });
}

function addIdentityBackup(start: Command, context: CommandContext): void {
  start
    .command('identity-backup')
    .summary('save who each member is, encrypted, on the others')
    .description(
      'Copies certificates and database of each member, encrypted on it to the recipients of runbook.yaml, to the other members, and to restic if that is declared. With such a copy a lost root disk is no lost member.',
    )
    .option('--node <name>', 'only this member')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start identity-backup'], START_ENDINGS))
    .action(async (options) => {
      const { startIdentityBackup } = await import('../actions/start.ts');
      context.ending = await startIdentityBackup(context, options);
    });
}

function addNightlyBackup(start: Command, context: CommandContext): void {
  start
    .command('nightly-backup')
    .summary('copy the guests’ volumes to where runbook.yaml says')
    .description(
      'Takes a snapshot of each volume that backups names, and brings each place up to it. A copy is made when it was seen at its place; what cannot be copied keeps nothing else from being copied.',
    )
    .option('--backup <name>', 'only this entry of backups')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start nightly-backup'], START_ENDINGS))
    .action(async (options) => {
      const { startNightlyBackup } = await import('../actions/start.ts');
      context.ending = await startNightlyBackup(context, options);
    });
}

function addRestoreDrill(start: Command, context: CommandContext): void {
  start
    .command('restore-drill')
    .summary('restore copies to try them out, and note which are proven')
    .description(
      'Restores copies into a dataset of its own, compares them with what they were made from, runs the declared check over them, and removes them again. A copy is proven when all of that was so. Those are taken first that were never proven.',
    )
    .option('--backup <name>', 'only this entry of backups')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start restore-drill'], START_ENDINGS))
    .action(async (options) => {
      const { startRestoreDrill } = await import('../actions/start.ts');
      context.ending = await startRestoreDrill(context, options);
    });
}

function addRestore(start: Command, context: CommandContext): void {
  start
    .command('restore')
    .summary('bring a volume back as it was, beside the original or in its place')
    .description(
      'Makes a new volume of a replica as it was at a time, on the guest’s member or another one; also where the member is gone that it was copied from. The original is not touched, but with --in-place: then it asks, sets the original aside, and gives the restored one its place. Or brings files of a guest back from restic, into a folder of the guest.',
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
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start restore --volume edge-data --at 2026-11-20'], START_ENDINGS))
    .action(async (options) => {
      const { startRestore } = await import('../actions/start.ts');
      context.ending = await startRestore(context, options);
    });
}

function addInfraApply(start: Command, context: CommandContext): void {
  start
    .command('infra-apply')
    .summary('apply what Terraform plans for a member, once it is approved')
    .description(
      'Plans what the monorepo’s commit says of a member’s instances, volumes and networks, shows it, and waits for an approval of exactly that plan. Deletions and replacements of what holds data have to be named in it.',
    )
    .addOption(new Option('--node <name>', 'the member').conflicts('all'))
    .option('--all', 'every member that has a folder, one after the other; each is asked for by itself')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start infra-apply --node elitedesk-1'], START_ENDINGS))
    .action(async (options) => {
      const { startInfraApply } = await import('../actions/start.ts');
      context.ending = await startInfraApply(context, options);
    });
}

function addStartDrift(start: Command, context: CommandContext): void {
  start
    .command('drift')
    .summary('look for what is not as declared')
    .description(
      'Holds what is declared against what is there, and changes nothing: cluster, guests, snapshots, NixOS, Terraform, secrets. Exit code 1: something differs, or could not be looked at.',
    )
    .addOption(new Option('--node <name>', 'only this guest, or this member and the guests on it').conflicts('all'))
    .option('--all', 'all that is declared (default)')
    .option('--detach', 'start it and return')
    .option('--json', 'print each state as a line of JSON (docs/cli.md)')
    .addHelpText('after', helpAfter(['runbook start drift'], START_ENDINGS))
    .action(async (options) => {
      const { startDrift } = await import('../actions/start.ts');
      context.ending = await startDrift(context, options);
    });
}
