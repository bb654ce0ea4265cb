import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { CliError } from '../errors.ts';
import type { Connected } from './connect.ts';

/** A worker that asked for work lately. The server lists one for five minutes after its last question. */
export interface Poller {
  identity: string;
  /** ISO 8601. */
  lastAskedAt: string;
}

/** A poll lasts a minute at most, so a worker that is there has asked within it. */
const POLL_LASTS_MS = 70_000;

/** Workers that polled the task queue in the last five minutes, the latest first. */
export async function listPollers({ connection, namespace }: Connected): Promise<Poller[]> {
  const { pollers } = await connection.withDeadline(Date.now() + 5000, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: TASK_QUEUE },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    }),
  );
  return pollers
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastAskedAt: (optionalTsToDate(lastAccessTime) ?? new Date(0)).toISOString(),
    }))
    .sort((a, b) => b.lastAskedAt.localeCompare(a.lastAskedAt));
}

/** Those that are surely there. */
export const present = (pollers: readonly Poller[], now: number): Poller[] =>
  pollers.filter(({ lastAskedAt }) => now - Date.parse(lastAskedAt) < POLL_LASTS_MS);

/** Throws CliError `no worker` where nobody would do the work; `what` begins the sentence: `Not started`. */
export async function requireWorker(connected: Connected, what: string, now: number): Promise<void> {
  const pollers = await listPollers(connected);
  if (present(pollers, now).length > 0) return;
  throw new CliError(
    'no worker',
    `${what}: no worker polls task queue ${TASK_QUEUE} of namespace ${connected.namespace}.`,
    {
      description: [
        pollers[0] === undefined
          ? 'None has asked for work in the last five minutes.'
          : `The last was ${pollers[0].identity}, which asked for work at ${pollers[0].lastAskedAt}.`,
      ],
      suggestions: [
        { command: 'runbook worker', purpose: 'start one here' },
        { command: 'runbook dev', purpose: 'start a server and a worker in one' },
      ],
    },
  );
}
