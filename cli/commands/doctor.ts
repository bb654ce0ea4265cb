import { helpAfter, type AddCommand } from '../context.ts';

export const addDoctor: AddCommand = (parent, context) => {
  parent
    .command('doctor')
    .summary('what is missing, and its remedy')
    .description(
      'Looks at everything a run needs, from this folder to the hosts, and says the remedy of what is missing.',
    )
    .option('--node <name>', 'only this member or guest')
    .option('--json', 'print each check as a line of JSON (docs/cli.md)')
    .addHelpText(
      'after',
      helpAfter(
        ['runbook doctor', 'runbook doctor --node nuc-1'],
        ['done', 'failed', 'wrong usage', 'unreachable', 'no worker'],
      ),
    )
    .action(async (options) => {
      const { doctor } = await import('../actions/doctor.ts');
      context.ending = await doctor(context, options);
    });
};
