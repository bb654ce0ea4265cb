import { expect } from '@jest/globals';
import type { backups } from '../../../workflows/backups.ts';
import { BACKUPS_WORKFLOW, TASK_QUEUE } from '../../../workflows/messages.ts';
import { record } from './recorder.ts';

record('backups', {
  fresh: async ({ env, startFleet }) => {
    const { simulation } = await startFleet();
    const handle = await env.client.workflow.start<typeof backups>(BACKUPS_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${BACKUPS_WORKFLOW}/recorded`,
      args: [{ fleet: { revision: simulation.revision() } }],
    });
    expect((await handle.result()).copies.map(({ outcome }) => outcome)).toEqual(['fresh', 'fresh', 'fresh']);
    return handle;
  },
});
