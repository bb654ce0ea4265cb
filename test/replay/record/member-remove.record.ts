import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import type { memberRemove } from '../../../workflows/member-remove.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const MEMBER = 'nuc-1';

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, isDead = false, isEmpty = true } = {},
): Promise<WorkflowHandle<typeof memberRemove>> {
  const { simulation } = await startFleet();
  if (isDead) await simulation.power(MEMBER, 'off');
  await simulation.store.update(({ cluster }) => {
    if (isEmpty) Reflect.deleteProperty(cluster.instances, 'dns-ct');
  });
  return env.client.workflow.start<typeof memberRemove>('memberRemove', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('member-remove', MEMBER),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, member: MEMBER }],
  });
}

async function ended(handle: WorkflowHandle<typeof memberRemove>, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('memberRemove', {
  done: async (stage) => {
    const handle = await start(stage);
    await answer(handle, { approved: true });
    return ended(handle, 'Done');
  },
  forgotten: async (stage) => {
    const handle = await start(stage, { isDead: true, isEmpty: false });
    await answer(handle, { approved: true, name: MEMBER });
    return ended(handle, 'Done');
  },
  refused: async (stage) => ended(await start(stage, { isEmpty: false }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
