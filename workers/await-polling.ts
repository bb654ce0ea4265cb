import { setTimeout as pause } from 'node:timers/promises';
import proto from '@temporalio/proto';
import type { NativeConnection } from '@temporalio/worker';

const { TASK_QUEUE_TYPE_WORKFLOW: WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
const INTERVAL_MS = 50;
const TIMEOUT_MS = 15_000;

/**
 * Waits until the server has seen the worker's first poll, which is some tenths of a second after the SDK calls it
 * running: who looks for a worker before that finds none. Gives up in silence after 15 s; the worker polls when it can.
 */
export async function awaitPolling(
  connection: NativeConnection,
  { namespace, taskQueue, identity }: { namespace: string; taskQueue: string; identity: string },
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: WORKFLOW };
  while (Date.now() < deadline) {
    const { pollers } = await connection.withDeadline(deadline, () =>
      connection.workflowService.describeTaskQueue(request),
    );
    if (pollers.some((poller) => poller.identity === identity)) return;
    await pause(INTERVAL_MS);
  }
}
