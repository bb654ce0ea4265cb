import { expect } from '@jest/globals';
import type { glance } from '../../../workflows/glance.ts';
import { TASK_QUEUE } from '../../../workflows/messages.ts';
import { record } from './recorder.ts';

record('glance', {
  seen: async ({ env, startFleet }) => {
    const { simulation } = await startFleet();
    const handle = await env.client.workflow.start<typeof glance>('glance', {
      taskQueue: TASK_QUEUE,
      workflowId: 'glance/recorded',
      args: [{ fleet: { revision: simulation.revision() } }],
    });
    expect((await handle.result()).problem).toBeUndefined();
    return handle;
  },
});
