import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { BackupsView } from '../../plan/backups-view.ts';
import { noticesOfCopies, troubledSince, troublesOf } from '../../plan/copy-notices.ts';
import type { DueNotice } from '../../plan/notice.ts';
import type { Telling } from '../../plan/run-notices.ts';
import { NOTIFY_WORKFLOW, notifyWorkflowId, TASK_QUEUE } from '../../workflows/messages.ts';
import { executionsOf } from '../executions.ts';

/** So far back it is remembered that something was told, so that its end is told too. */
const MEMORY_MS = 8 * 24 * 3_600_000;
const PREFIX = notifyWorkflowId('');

/** Finds what is to be told of copies that were looked at. */
export function createCopyWatch(
  client: Client,
  taskQueue = TASK_QUEUE,
): (view: BackupsView, telling: Telling, tell: (due: DueNotice) => Promise<void>) => Promise<void> {
  let since = new Map<string, number>();
  return async (view, telling, tell) => {
    const now = Date.now();
    const troubles = troublesOf(view);
    since = troubledSince(since, troubles, now);
    const told = await toldSince(client, taskQueue, now - MEMORY_MS);
    for (const due of noticesOfCopies(troubles, { ...telling, now, since, keyOf, told })) await tell(due);
  };
}

/** The name of a place tells hosts and repositories; an id of a workflow is never encrypted. */
const keyOf = (place: string): string => createHash('sha256').update(place).digest('hex').slice(0, 12);

async function toldSince(client: Client, taskQueue: string, since: number): Promise<Set<string>> {
  const at = new Date(since).toISOString();
  const query = `TaskQueue = '${taskQueue}' AND WorkflowType = '${NOTIFY_WORKFLOW}' AND StartTime > '${at}'`;
  return new Set((await executionsOf(client, query)).map(({ workflowId }) => workflowId.slice(PREFIX.length)));
}
