import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';
import type { Ending } from '../exit-codes.ts';

const ENDINGS: readonly Ending[] = ['done', 'failed', 'wrong usage'];
const EXAMPLE =
  'runbook init homelab --member elitedesk-1=10.0.0.11 nuc-1=10.0.0.12 --guest edge-vm=10.0.0.21@nuc-1 --ssh-key "ssh-ed25519 AAAA…"';

export const addInit: AddCommand = (parent, context) => {
  parent
    .command('init')
    .summary('write a monorepo to begin with')
    .description(
      'Writes a monorepo of the reference architecture: NixOS hosts, Incus, guests, services, secrets, Terraform, and runbook.yaml, for the names and addresses that you say. On a terminal it asks for what no flag says. Overwrites nothing: where another file is in the place of one, it writes none.',
    )
    .argument('[folder]', 'where to (default: the current one)')
    .option('--name <name>', 'what the fleet is called (default: the folder’s name)')
    .option('--member <name=address...>', 'the physical machines, as elitedesk-1=10.0.0.11')
    .option(
      '--guest <name=address...>',
      'virtual machines, as edge-vm=10.0.0.21@nuc-1; without @member they take turns; :edge, :metrics, :home or :plain behind it says what one is for (default: by its name)',
    )
    .option(
      '--gateway <address/prefix>',
      'the router, and how long the prefix of its network is (default: .1/24 beside the first member)',
    )
    .option('--dns <address...>', 'servers of names (default: the router)')
    .option('--time-zone <zone>', 'as Europe/Berlin (default: that of this machine)')
    .option('--ssh-key <key...>', 'public keys that may log in as root: the worker’s, and yours')
    .option('--recipient <key...>', 'your public key of age, for secrets and for copies of identities')
    .option('--pool <name>', 'the pool of ZFS on every member (default: zpool)')
    .option('--dry-run', 'only list what would be written')
    .option('--json', `${JSON_OPTION}; asks nothing`)
    .addHelpText('after', helpAfter(['runbook init homelab', EXAMPLE], ENDINGS))
    .action(async (folder, options) => {
      const { init } = await import('../actions/init.ts');
      context.ending = await init(context, folder, options);
    });
};
