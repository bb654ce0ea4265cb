import { expect } from '@jest/globals';
import type { restoreFiles } from '../../../workflows/restore-files.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { inRepository } from '../../temporal/simulated-repository.ts';
import { record, type Stage } from './recorder.ts';

async function run({ env, startFleet }: Stage, planOnly: boolean) {
  const { simulation } = await startFleet();
  await inRepository(simulation);
  const handle = await env.client.workflow.start<typeof restoreFiles>('restoreFiles', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('restore', 'to-restic'),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, wish: { backup: 'to-restic' } }],
  });
  expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
  return handle;
}

record('restoreFiles', {
  done: (stage) => run(stage, false),
  'plan-only': (stage) => run(stage, true),
});
