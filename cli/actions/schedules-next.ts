import { msToTs, requiredTsToDate } from '@temporalio/common/lib/time.js';
import { clockChanges, describeClockChange } from '../../fleet/calendar.ts';
import type { AppliedSchedule } from '../../plan/schedules.ts';
import { scheduleId } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { readSchedules, requireSchedule } from '../fleet-schedules.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderNext, type NextTimes } from '../render/schedules-next.ts';
import { loadRepository } from '../repository.ts';
import type { Connected } from '../temporal/connect.ts';
import { withTemporal } from '../temporal/session.ts';
import { allOf } from '../temporal/all-of.ts';

const TIMEOUT_MS = 15_000;
/** The longest that one time is from the next, and some room for what the clocks leave out. */
const WEEK_MS = 7 * 86_400_000;
const ROOM = 2;

/** When each schedule is next due, as Temporal says. */
export async function nextTimes(
  context: CommandContext,
  name: string | undefined,
  { count, json }: { count: number; json?: true },
): Promise<Ending> {
  const { io } = context;
  const { fleet } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    const schedules =
      name === undefined
        ? (await readSchedules(connected, fleet.name)).schedules
        : [await requireSchedule(connected, fleet.name, name)];
    const found = await allOf(
      schedules.map((schedule) => timesOf(connected, fleet.name, schedule, { count, now: io.now() })),
    );
    if (json === true) for (const each of found) printJson(io, each);
    else print(io, renderNext(found, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return 'done';
  });
}

async function timesOf(
  { connection, namespace }: Connected,
  fleet: string,
  { name, calendar, paused }: AppliedSchedule,
  { count, now }: { count: number; now: number },
): Promise<NextTimes> {
  const request = {
    ...{ namespace, scheduleId: scheduleId(fleet, name) },
    ...{ startTime: msToTs(now), endTime: msToTs(now + (count + ROOM) * WEEK_MS) },
  };
  const { startTime } = await connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
    connection.workflowService.listScheduleMatchingTimes(request),
  );
  const at = startTime.slice(0, count).map((time) => requiredTsToDate(time, 'startTime').toISOString());
  const last = Date.parse(at.at(-1) ?? '');
  return {
    name,
    timeZone: calendar?.timeZone ?? 'UTC',
    paused,
    at,
    warnings:
      calendar === undefined || Number.isNaN(last)
        ? []
        : clockChanges(calendar, now, last).map((change) => describeClockChange(calendar, change)),
  };
}
