import { helpAfter, JSON_OPTION, type AddCommand } from '../context.ts';

export const addCheckAndSchema: AddCommand = (parent, context) => {
  parent
    .command('check')
    .summary('mistakes in runbook.yaml')
    .description('Reports every mistake in runbook.yaml with its line, what was expected, and what to do.')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook check'], ['done', 'wrong config']))
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
