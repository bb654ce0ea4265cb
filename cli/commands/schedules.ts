import { InvalidArgumentError, type Command } from '@commander-js/extra-typings';
import { helpAfter, JSON_OPTION, TEMPORAL_ENDINGS, type AddCommand, type CommandContext } from '../context.ts';

const NAME = 'as runbook.yaml calls it';

export const addSchedules: AddCommand = (parent, context) => {
  const schedules = parent
    .command('schedules')
    .summary('what runs by itself')
    .description('What runs by itself: declared in runbook.yaml, brought into effect by `apply`.')
    .addHelpText('after', helpAfter(['runbook schedules apply', 'runbook schedules list'], TEMPORAL_ENDINGS));
  addApply(schedules, context);
  addListSchedules(schedules, context);
  addNext(schedules, context);
  addPauseAndResume(schedules, context);
  addTrigger(schedules, context);
};

function addApply(schedules: Command, context: CommandContext): void {
  schedules
    .command('apply')
    .summary('make Temporal’s schedules those of runbook.yaml')
    .description(
      'Shows what differs between runbook.yaml of the commit and Temporal, asks, and changes it. Schedules that this fleet has not made are left alone; one that a person paused stays paused.',
    )
    .option('--yes', 'do not ask')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook schedules apply', 'runbook schedules apply --yes'], TEMPORAL_ENDINGS))
    .action(async (options) => {
      const { applySchedules } = await import('../actions/schedules-apply.ts');
      context.ending = await applySchedules(context, options);
    });
}

function addListSchedules(schedules: Command, context: CommandContext): void {
  schedules
    .command('list')
    .summary('schedules, what they did last and what they do next')
    .description('Lists the schedules of this fleet: when, what came of the last, the next, what was missed.')
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook schedules list'], TEMPORAL_ENDINGS))
    .action(async (options) => {
      const { listSchedules } = await import('../actions/schedules.ts');
      context.ending = await listSchedules(context, options);
    });
}

function addNext(schedules: Command, context: CommandContext): void {
  schedules
    .command('next')
    .summary('the next times')
    .description(
      'Shows when each schedule is next due, as Temporal says, in its time zone and in UTC, and where a change of the clocks leaves one out or doubles it.',
    )
    .argument('[schedule]', `only this one, ${NAME}`)
    .option('--count <n>', 'so many of each', parseCount, 3)
    .option('--json', JSON_OPTION)
    .addHelpText('after', helpAfter(['runbook schedules next nightly-identities --count 10'], TEMPORAL_ENDINGS))
    .action(async (name, options) => {
      const { nextTimes } = await import('../actions/schedules-next.ts');
      context.ending = await nextTimes(context, name, options);
    });
}

function parseCount(text: string): number {
  if (!/^(?:[1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 to 100.');
  return Number(text);
}

function addPauseAndResume(schedules: Command, context: CommandContext): void {
  for (const what of ['pause', 'resume'] as const)
    schedules
      .command(what)
      .summary(what === 'pause' ? 'start nothing more' : 'go on after a pause')
      .description(
        what === 'pause'
          ? 'Pauses a schedule: it starts nothing until it is resumed. A run that is open goes on.'
          : 'Lets a paused schedule go on with its next time. What was due meanwhile is not made up for.',
      )
      .argument('<schedule>', NAME)
      .option('--reason <text>', 'why; it is kept with the schedule')
      .option('--json', JSON_OPTION)
      .addHelpText('after', helpAfter([`runbook schedules ${what} nightly-identities`], TEMPORAL_ENDINGS))
      .action(async (name, options) => {
        const { setPaused } = await import('../actions/schedules.ts');
        context.ending = await setPaused(context, name, what === 'pause', options);
      });
}

function addTrigger(schedules: Command, context: CommandContext): void {
  schedules
    .command('trigger')
    .summary('do now what is scheduled')
    .description(
      'Has Temporal start now what the schedule starts, also where it is paused. A run that is open is not doubled.',
    )
    .argument('<schedule>', NAME)
    .option('--json', JSON_OPTION)
    .addHelpText(
      'after',
      helpAfter(
        ['runbook schedules trigger nightly-identities'],
        [...TEMPORAL_ENDINGS, 'already running', 'no worker'],
      ),
    )
    .action(async (name, options) => {
      const { trigger } = await import('../actions/schedules-trigger.ts');
      context.ending = await trigger(context, name, options);
    });
}
