import { Option } from '@commander-js/extra-typings';
import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';

export const addCheckAndSchema: AddCommand = (parent, context) => {
  parent
    .command('check')
    .summary('mistakes in runbook.yaml and in the monorepo')
    .description(
      'Reports every mistake in runbook.yaml, and what in the Nix, Terraform and YAML files of the monorepo crosses a boundary of the architecture: with its line, why, and what to do. The rules are in docs/check.md. Asks no server.',
    )
    .option('--staged', 'what the next commit would have, for a pre-commit hook')
    .addOption(new Option('--json', JSON_OPTION).conflicts('sarif'))
    .option('--sarif', 'print SARIF 2.1.0, as code hosts and editors take it')
    .addHelpText('after', helpAfter(['runbook check', 'runbook check --staged'], ['done', 'wrong config']))
    .action(async (options) => {
      const { check } = await import('../actions/check.ts');
      context.ending = await check(context, options);
    });
  parent
    .command('schema')
    .summary('the JSON Schema of runbook.yaml')
    .description('Prints the JSON Schema of runbook.yaml, from which editors complete and check it.')
    .addHelpText('after', helpAfter(['runbook schema > runbook.schema.json'], ['done']))
    .action(async () => {
      const { schema } = await import('../actions/check.ts');
      context.ending = schema(context);
    });
};
