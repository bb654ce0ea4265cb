import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { quorumRecover } from '../../../workflows/quorum-recover.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const SURVIVOR = 'elitedesk-1';
const LOST = ['elitedesk-2', 'nuc-1'];

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, isLed = false } = {},
): Promise<WorkflowHandle<typeof quorumRecover>> {
  const { simulation } = await startFleet();
  if (!isLed) for (const name of LOST) await simulation.power(name, 'off');
  return env.client.workflow.start<typeof quorumRecover>('quorumRecover', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('quorum-recover', SURVIVOR),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, member: SURVIVOR }],
  });
}

async function ended(handle: WorkflowHandle<typeof quorumRecover>, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('quorumRecover', {
  done: async (stage) => {
    const handle = await start(stage);
    for (const name of [...LOST, SURVIVOR]) await answer(handle, { approved: true, name });
    return ended(handle, 'Done');
  },
  refused: async (stage) => ended(await start(stage, { isLed: true }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
