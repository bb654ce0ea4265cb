import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Notifications } from '../../fleet/schema.ts';
import type { DueNotice } from '../../plan/notice.ts';
import { NOTIFY_WORKFLOW, notifyWorkflowId, TASK_QUEUE, type NotifyInput } from '../../workflows/messages.ts';

/**
 * Has a worker tell it, on the channels that want its event. Told once: Temporal refuses a second workflow of that id, whichever
 * worker asks, as long as it keeps the first; that is a day at least, and older events are never due.
 */
export async function tell(
  client: Client,
  { key, event, notice }: DueNotice,
  { channels }: Notifications,
  taskQueue = TASK_QUEUE,
): Promise<void> {
  const wanting = Object.entries(channels).flatMap(([name, { on }]) => (on.includes(event) ? [name] : []));
  if (wanting.length === 0) return;
  const input: NotifyInput = { notice, channels: wanting };
  try {
    await client.workflow.start(NOTIFY_WORKFLOW, {
      taskQueue,
      workflowId: notifyWorkflowId(key),
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      // Where no worker is there for days: the patience of a channel, which counts from when a worker took it up, and some.
      workflowExecutionTimeout: '26 hours',
      args: [input],
      staticSummary: notice.headline,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
