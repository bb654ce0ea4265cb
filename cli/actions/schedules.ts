import { planSchedules, type ScheduledEnd } from '../../plan/schedules.ts';
import { handNote, type LastEnd } from '../../plan/schedule-health.ts';
import { scheduleId } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { readSchedules, requireSchedule, withEnds } from '../fleet-schedules.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { clean } from '../render/clean.ts';
import { renderSchedules, type ListedSchedule } from '../render/schedules.ts';
import { wrap } from '../render/text.ts';
import { loadRepository } from '../repository.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';
import { actorOf } from '../temporal/identity.ts';
import { stateOf } from '../temporal/scheduled-end.ts';
import { withTemporal } from '../temporal/session.ts';
import { allOf } from '../temporal/all-of.ts';

/** Schedules of this fleet, and of the fleet file those that are not in Temporal. */
export async function listSchedules(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { fleet } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    const { schedules } = await readSchedules(connected, fleet.name);
    const seen = await withEnds(connected, schedules, { now: io.now(), onlyTrouble: false });
    const { changes } = planSchedules(fleet.schedules, schedules);
    const toApply = new Map(changes.map(({ name, type }) => [name, type]));
    const listed: ListedSchedule[] = await allOf(
      seen.map(async (each) => ({
        ...each,
        toApply: toApply.get(each.name) ?? 'same',
        ...(await outcomeOf(connected, each.end)),
      })),
    );
    const missing = changes.filter(({ type }) => type === 'create').map(({ name }) => name);
    if (json === true) for (const each of listed) printJson(io, each);
    else print(io, renderSchedules({ listed, missing }, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return 'done';
  });
}

/** How the run ended that a schedule has begun; `Running` while it is open. */
async function outcomeOf(connected: Connected, end: LastEnd | undefined): Promise<{ outcome?: string }> {
  if (!hasBegun(end)) return {};
  const state = await stateOf(connected, end);
  return state === undefined ? {} : { outcome: state.isOpen ? 'Running' : state.outcome };
}

const hasBegun = (end: LastEnd | undefined): end is Extract<ScheduledEnd, { type: 'started' }> =>
  end?.type === 'started';

/** Pauses or resumes a schedule by hand. */
export async function setPaused(
  context: CommandContext,
  name: string,
  paused: boolean,
  { reason, json }: { reason?: string; json?: true },
): Promise<Ending> {
  const { io } = context;
  const { fleet } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    const before = await requireSchedule(connected, fleet.name, name);
    const word = paused ? 'paused' : 'resumed';
    const isSo = before.paused === paused;
    if (!isSo) {
      const handle = clientOf(connected).schedule.getHandle(scheduleId(fleet.name, name));
      const note = handNote(word, io.now(), actorOf(io.env), reason);
      await (paused ? handle.pause(note) : handle.unpause(note));
    }
    const { note, nextAt } = await requireSchedule(connected, fleet.name, name);
    if (json === true) printJson(io, { name, paused, note, nextAt });
    else print(io, wrap(clean(sentence(name, { paused, isSo, note })), widthOf(io)));
    if (!paused && fleet.schedules[name]?.paused === true && json !== true)
      print(
        io,
        wrap('runbook.yaml says that it is paused: the next runbook schedules apply pauses it again.', widthOf(io)),
      );
    return isSo ? 'already so' : 'done';
  });
}

function sentence(name: string, { paused, isSo, note }: { paused: boolean; isSo: boolean; note: string }): string {
  if (!isSo) return paused ? `${name} is paused: it starts nothing.` : `${name} goes on.`;
  return paused ? `${name} is paused already: ${note}` : `${name} is not paused.`;
}
