import { setTimeout as delay } from 'node:timers/promises';
import type { AppliedSchedule, ScheduledEnd } from '../../plan/schedules.ts';
import { scheduleId } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { requireSchedule } from '../fleet-schedules.ts';
import { print, printJson, type Io } from '../io.ts';
import { loadRepository } from '../repository.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { readEnd, stateOf } from '../temporal/scheduled-end.ts';
import { withTemporal } from '../temporal/session.ts';
import { alreadyRunning } from '../temporal/start-workflow.ts';

const PATIENCE_MS = 30_000;
const INTERVAL_MS = 200;

/** Has Temporal start now what the schedule starts, and says what came of it. */
export async function trigger(context: CommandContext, name: string, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { fleet } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    const before = await requireSchedule(connected, fleet.name, name);
    await requireWorker(connected, 'Not started', io.now());
    await clientOf(connected).schedule.getHandle(scheduleId(fleet.name, name)).trigger('SKIP');
    const end = await endOf(connected, fleet.name, before);
    if (json === true) printJson(io, end);
    return concluded(io, end, json === true);
  });
}

async function endOf(connected: Connected, fleet: string, before: AppliedSchedule): Promise<ScheduledEnd> {
  const { name } = before;
  const begun = await until(async () => {
    const { last } = await requireSchedule(connected, fleet, name);
    return last?.runId === before.last?.runId ? undefined : last;
  });
  if (begun === undefined)
    return { type: 'failed', reason: `What ${name} started last has not begun yet, so Temporal started nothing.` };
  const isOver = await until(async () => ((await stateOf(connected, begun))?.isOpen === true ? undefined : true));
  return isOver === true ? readEnd(connected, begun) : { type: 'failed', reason: 'No worker has taken it up yet.' };
}

/** Asks until there is an answer; undefined where there was none in time. */
async function until<Answer>(ask: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  let answer = await ask();
  while (answer === undefined && Date.now() < deadline) {
    await delay(INTERVAL_MS);
    answer = await ask();
  }
  return answer;
}

function concluded(io: Io, end: ScheduledEnd, isSaid: boolean): Ending {
  switch (end.type) {
    case 'started':
      if (!isSaid) print(io, [`${end.workflowId} started`, `  runbook watch ${end.workflowId}   follow it`]);
      return 'done';
    case 'skipped':
      throw alreadyRunning(end.workflowId);
    case 'missed':
    case 'failed':
      throw new CliError('failed', `Not started: ${end.reason}`, {
        suggestions: [{ command: 'runbook schedules list', purpose: 'see what it did' }],
      });
  }
}
