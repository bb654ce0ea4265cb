import { clockChanges, describeClockChange } from '../../fleet/calendar.ts';
import type { Fleet } from '../../fleet/schema.ts';
import { planSchedules, type ScheduleChange, type SchedulesPlan } from '../../plan/schedules.ts';
import { scheduleId } from '../../workflows/messages.ts';
import { confirm } from '../confirm.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { readSchedules } from '../fleet-schedules.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderSchedulesPlan } from '../render/schedules-plan.ts';
import { count } from '../render/units.ts';
import { loadRepository } from '../repository.ts';
import { createSchedule, deleteSchedule, updateSchedule } from '../temporal/change-schedules.ts';
import type { Connected } from '../temporal/connect.ts';
import { readSchedule } from '../temporal/schedules.ts';
import { withTemporal } from '../temporal/session.ts';
import { allOf } from '../temporal/all-of.ts';

const YEAR_MS = 366 * 86_400_000;

/** Makes the schedules of this fleet in Temporal those of the commit's fleet file, after showing what differs. */
export async function applySchedules(context: CommandContext, options: { yes?: true; json?: true }): Promise<Ending> {
  const { io } = context;
  const { fleet, revision } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    const { plan, otherFleets } = await look(connected, fleet);
    const todo = plan.changes.filter(({ type }) => type !== 'same');
    const shown = { ...plan, fleet: fleet.name, revision, otherFleets, warnings: warningsOf(fleet, io.now()) };
    if (options.json === true) printJson(io, shown);
    else print(io, renderSchedulesPlan(shown, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    if (todo.length === 0) return 'already so';
    if (options.yes !== true) await confirm(io, `Make ${count(todo.length, 'change')}?`, 'Nothing was changed.');
    for (const change of todo) await make(connected, fleet, change);
    if (options.json !== true) print(io, ['Done. runbook schedules list shows them.']);
    return 'done';
  });
}

/** Declared ones are asked for by name: a list of the server may lag behind. */
async function look(connected: Connected, fleet: Fleet): Promise<{ plan: SchedulesPlan; otherFleets: string[] }> {
  const { schedules, otherFleets } = await readSchedules(connected, fleet.name);
  const names = Object.keys(fleet.schedules);
  const declared = await allOf(names.map((name) => readSchedule(connected, fleet.name, name)));
  const foreign = names.filter((_name, at) => declared[at] === 'foreign');
  if (foreign.length > 0) throw notOurs(fleet.name, foreign);
  const applied = [
    ...declared.filter((each) => typeof each !== 'string'),
    ...schedules.filter(({ name }) => !names.includes(name)),
  ];
  return { plan: planSchedules(fleet.schedules, applied), otherFleets };
}

const notOurs = (fleet: string, names: readonly string[]): CliError =>
  new CliError('failed', `Nothing was changed: runbook did not make ${names.join(', ')}.`, {
    description: ['Temporal has schedules of these names that lack runbook’s mark. Declare others, or remove those.'],
    suggestions: names.map((name) => ({
      command: `temporal schedule describe --schedule-id ${scheduleId(fleet, name)}`,
      purpose: 'see what it is',
    })),
  });

export const warningsOf = ({ schedules }: Pick<Fleet, 'schedules'>, now: number): string[] =>
  Object.entries(schedules).flatMap(([name, schedule]) =>
    clockChanges(schedule, now, now + YEAR_MS).map((change) => `${name}: ${describeClockChange(schedule, change)}`),
  );

async function make(connected: Connected, fleet: Fleet, { type, name }: ScheduleChange): Promise<void> {
  const schedule = fleet.schedules[name];
  if (schedule === undefined) return deleteSchedule(connected, fleet.name, name);
  return type === 'create'
    ? createSchedule(connected, fleet.name, name, schedule)
    : updateSchedule(connected, fleet.name, name, schedule);
}
