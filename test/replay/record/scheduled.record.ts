import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { SCHEDULED_WORKFLOW, scheduledWorkflowId, TASK_QUEUE } from '../../../workflows/messages.ts';
import type { scheduled } from '../../../workflows/scheduled.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof scheduled>;
const RECIPIENT = `age1${'q'.repeat(58)}`;
let times = 0;

const start = ({ env }: Stage): Promise<Handle> =>
  env.client.workflow.start<typeof scheduled>(SCHEDULED_WORKFLOW, {
    taskQueue: TASK_QUEUE,
    workflowId: `${scheduledWorkflowId('homelab', 'nightly')}-${(times += 1)}`,
    args: [{ schedule: 'nightly', runbook: 'identity-backup', catchUpMs: 43_200_000 }],
  });

async function begun(stage: Stage): Promise<Handle> {
  await stage.startFleet((text) => `${text}identity:\n  recipients: [${RECIPIENT}]\n`);
  const handle = await start(stage);
  expect(await handle.result()).toMatchObject({ type: 'started', workflowId: 'identity-backup/all' });
  return handle;
}

const ended = (stage: Stage): Promise<unknown> => stage.env.client.workflow.getHandle('identity-backup/all').result();

record('scheduled', {
  started: async (stage) => {
    const handle = await begun(stage);
    await ended(stage);
    return handle;
  },
  skipped: async (stage) => {
    await begun(stage);
    const handle = await start(stage);
    expect(await handle.result()).toMatchObject({ type: 'skipped' });
    await ended(stage);
    return handle;
  },
});
