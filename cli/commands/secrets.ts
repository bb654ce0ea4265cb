import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';

export const addSecrets: AddCommand = (parent, context) => {
  const secrets = parent
    .command('secrets')
    .summary('who can decrypt the files of SOPS')
    .description('Looks at the files that SOPS has encrypted.')
    .addHelpText('after', helpAfter(['runbook secrets status'], ['done', 'failed', 'wrong config']));
  secrets
    .command('status')
    .summary('recipients, age of data keys, drift from the rules')
    .description(
      'Of each file in the folder of sops.yaml: who can decrypt it, how old its data key is, and where it differs from the rules. Reads the work tree, needs no key and decrypts nothing. Exit code 1: something differs.',
    )
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook secrets status'], ['done', 'failed', 'wrong config']))
    .action(async (options) => {
      const { secretsStatus } = await import('../actions/secrets-status.ts');
      context.ending = await secretsStatus(context, options);
    });
};
