import { expect } from '@jest/globals';
import type { restorable } from '../../../workflows/restorable.ts';
import { RESTORABLE_WORKFLOW, TASK_QUEUE } from '../../../workflows/messages.ts';
import { record } from './recorder.ts';

record('restorable', {
  all: async ({ env, startFleet }) => {
    const { simulation } = await startFleet();
    const handle = await env.client.workflow.start<typeof restorable>(RESTORABLE_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${RESTORABLE_WORKFLOW}/recorded`,
      args: [{ fleet: { revision: simulation.revision() } }],
    });
    expect((await handle.result()).copies.map(({ of }) => of)).toEqual(['edge-data', 'home-data', 'metrics-data']);
    return handle;
  },
});
