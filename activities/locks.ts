import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { LOCK_ACQUIRE, lockWorkflowId, TASK_QUEUE } from '../workflows/messages.ts';
import type { LockActivities } from './contract.ts';
import { guarded } from './guard.ts';

/** Locks are workflows; activities speak to them through the worker's own client. */
export function createLockActivities(): LockActivities {
  return {
    requestLock: guarded(async ({ resource }) => {
      const { client, info } = Context.current();
      const { workflowId } = info.workflowExecution ?? {};
      await client.workflow.signalWithStart('resourceLock', {
        workflowId: lockWorkflowId(resource),
        taskQueue: TASK_QUEUE,
        args: [{ resource, queue: [] }],
        signal: LOCK_ACQUIRE,
        signalArgs: [{ workflowId }],
        staticSummary: `Lock of ${resource}`,
      });
    }),
    isOpen: guarded(async ({ workflowId }) => isOpen(Context.current().client, workflowId)),
  };
}

async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
