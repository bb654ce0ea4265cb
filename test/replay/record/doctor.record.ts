import { expect } from '@jest/globals';
import type { doctor } from '../../../workflows/doctor.ts';
import { TASK_QUEUE } from '../../../workflows/messages.ts';
import { record } from './recorder.ts';

record('doctor', {
  healthy: async ({ env, startFleet }) => {
    const { simulation } = await startFleet();
    const handle = await env.client.workflow.start<typeof doctor>('doctor', {
      taskQueue: TASK_QUEUE,
      workflowId: 'doctor/recorded',
      args: [{ fleet: { revision: simulation.revision() } }],
    });
    const checks = await handle.result();
    expect(checks.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    return handle;
  },
});
