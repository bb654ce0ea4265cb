import { setTimeout as pause } from 'node:timers/promises';
import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';

const { TASK_QUEUE_TYPE_WORKFLOW: WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
const INTERVAL_MS = 50;
const TIMEOUT_MS = 15_000;

/** Of a worker that waits for work the server hears once a minute. */
const LATELY_MS = 3 * 60_000;

export interface Poller {
  namespace: string;
  taskQueue: string;
  identity: string;
}

/**
 * Waits until the server has seen the worker's first poll, which is some tenths of a second after the SDK calls it
 * running: who looks for a worker before that finds none. Gives up in silence after 15 s; the worker polls when it can.
 */
export async function awaitPolling(connection: NativeConnection, poller: Poller): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (await connection.withDeadline(deadline, () => hasPolled(connection, poller))) return;
    await pause(INTERVAL_MS);
  }
}

/** Whether the server has heard this worker ask for work in the last minutes. */
export async function hasPolled(
  connection: NativeConnection,
  { namespace, taskQueue, identity }: Poller,
): Promise<boolean> {
  const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: WORKFLOW };
  const { pollers } = await connection.workflowService.describeTaskQueue(request);
  return pollers.some(
    (poller) =>
      poller.identity === identity && Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < LATELY_MS,
  );
}
