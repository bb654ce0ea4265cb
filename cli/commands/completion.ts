import { Argument } from '@commander-js/extra-typings';
import { SHELLS } from '../completion/scripts.ts';
import { helpAfter, type AddCommand } from '../context.ts';
import { print } from '../io.ts';

export const addCompletion: AddCommand = (parent, context) => {
  parent
    .command('completion')
    .summary('completion for your shell')
    .description('Prints what your shell sources to complete commands, options, nodes and runs.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      helpAfter(
        [
          'source <(runbook completion bash)',
          'source <(runbook completion zsh)',
          'runbook completion fish > ~/.config/fish/completions/runbook.fish',
        ],
        ['done', 'wrong usage'],
      ),
    )
    .action(async (shell) => {
      const { completionScript } = await import('../completion/scripts.ts');
      print(context.io, [completionScript(shell).trimEnd()]);
    });
  parent
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words) => {
      const { complete } = await import('../actions/complete.ts');
      context.ending = await complete(context, parent, words);
    });
};
