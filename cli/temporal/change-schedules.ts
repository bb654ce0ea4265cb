import { ScheduleAlreadyRunning } from '@temporalio/client';
import type { Schedule } from '../../fleet/schema.ts';
import { durationMs } from '../../plan/duration.ts';
import { PAUSED_BY_FILE, pausedAfter } from '../../plan/schedules.ts';
import {
  SCHEDULED_WORKFLOW,
  scheduledWorkflowId,
  scheduleId,
  TASK_QUEUE,
  type ScheduledInput,
} from '../../workflows/messages.ts';
import { CliError } from '../errors.ts';
import { clientOf } from './client.ts';
import type { Connected } from './connect.ts';
import { MEMO } from './schedules.ts';

type Settings = ReturnType<typeof settingsOf>;

/** Throws CliError `failed` where one of that name has come into being meanwhile. */
export async function createSchedule(
  connected: Connected,
  fleet: string,
  name: string,
  schedule: Schedule,
): Promise<void> {
  try {
    await clientOf(connected).schedule.create({
      scheduleId: scheduleId(fleet, name),
      ...settingsOf(fleet, name, schedule),
      memo: { [MEMO]: { fleet, schedule: name } },
      state: schedule.paused ? { paused: true, note: PAUSED_BY_FILE } : { paused: false },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    throw new CliError('failed', `The schedule ${name} was made by somebody else at this moment.`, {
      suggestions: [{ command: 'runbook schedules apply', purpose: 'look again' }],
    });
  }
}

/** Whether it is paused is decided by what it is at that moment. */
export async function updateSchedule(
  connected: Connected,
  fleet: string,
  name: string,
  schedule: Schedule,
): Promise<void> {
  const settings: Settings = settingsOf(fleet, name, schedule);
  await clientOf(connected)
    .schedule.getHandle(scheduleId(fleet, name))
    .update(({ state: { paused, note = '', ...state } }) => ({
      ...settings,
      state: { ...state, ...pausedAfter(schedule, { paused, note }) },
    }));
}

export const deleteSchedule = (connected: Connected, fleet: string, name: string): Promise<void> =>
  clientOf(connected).schedule.getHandle(scheduleId(fleet, name)).delete();

function settingsOf(fleet: string, name: string, schedule: Schedule) {
  const { runbook, node, at, days, timeZone, jitter, catchUp } = schedule;
  const [hour, minute] = at.split(':').map(Number) as [number, number];
  const catchUpMs = durationMs(catchUp);
  const input: ScheduledInput = {
    ...{ schedule: name, runbook, catchUpMs },
    ...(node === undefined ? {} : { node }),
  };
  return {
    spec: {
      calendars: [{ hour, minute, dayOfWeek: days.map(upperCase) }],
      timezone: timeZone,
      jitter: durationMs(jitter),
    },
    policies: { overlap: 'SKIP' as const, catchupWindow: catchUpMs },
    action: {
      type: 'startWorkflow' as const,
      workflowType: SCHEDULED_WORKFLOW,
      workflowId: scheduledWorkflowId(fleet, name),
      taskQueue: TASK_QUEUE,
      args: [input],
      staticSummary: `Begins ${runbook} of ${node ?? 'all'}, unless it runs`,
    },
  };
}

const upperCase = <Text extends string>(text: Text): Uppercase<Text> => text.toUpperCase() as Uppercase<Text>;
