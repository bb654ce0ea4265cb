import {
  helpAfter,
  JSON_OPTION,
  RUN_ARGUMENT,
  RUN_ID_OPTION,
  TEMPORAL_ENDINGS,
  type AddCommand,
  type CommandContext,
} from '../context.ts';
import type { Command } from '@commander-js/extra-typings';

export const addDecisions: AddCommand = (parent, context) => {
  addDecision(parent, context, { name: 'approve', approved: true, summary: 'say yes to what a run asks' });
  addDecision(parent, context, { name: 'reject', approved: false, summary: 'say no to what a run asks' });
};

function addDecision(
  parent: Command,
  context: CommandContext,
  { name, approved, summary }: { name: string; approved: boolean; summary: string },
): void {
  const command = parent
    .command(name)
    .summary(summary)
    .description('Answers the question that a run waits with. Who answered and why stays in its history.')
    .argument('<run>', RUN_ARGUMENT)
    .option('--reason <text>', 'why, which is required; it is kept with the run')
    .option('--approval <id>', 'refuse unless this is what it asks')
    .option('--run-id <id>', RUN_ID_OPTION)
    .option('--json', JSON_OPTION)
    .addHelpText(
      'after',
      helpAfter(
        [`runbook ${name} safe-upgrade/elitedesk-1 --reason 'nobody is at home'`],
        [...TEMPORAL_ENDINGS, 'no worker'],
      ),
    )
    .action(async (run, options) => {
      const { decide } = await import('../actions/decide.ts');
      context.ending = await decide(context, run, approved, options);
    });
  command.option(
    '--plan <hash>',
    'the plan that is meant, where the run asks about one: four characters or more of its hash',
  );
  if (approved)
    command.option(
      '--name <name>',
      'what is lost by it, where the run expects that name to be typed; once for each where it expects several',
      together,
    );
}

/** What follows a name may be the run: an option that takes several at once would take that too. */
const together = (name: string, before: string[] = []): string[] => [...before, name];
