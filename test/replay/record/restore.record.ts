import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { restore } from '../../../workflows/restore.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof restore>;

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, off, to }: { planOnly?: boolean; off?: string; to?: string } = {},
): Promise<Handle> {
  const { simulation } = await startFleet();
  if (off !== undefined) await simulation.power(off, 'off');
  return env.client.workflow.start<typeof restore>('restore', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('restore', 'edge-data'),
    args: [
      {
        ...{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly },
        ...{ project: 'default', volume: 'edge-data', ...(to === undefined ? {} : { to }) },
      },
    ],
  });
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('restore', {
  done: async (stage) => ended(await start(stage, { to: 'found' }), 'Done'),
  'no-member': async (stage) => ended(await start(stage, { off: 'elitedesk-1' }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
