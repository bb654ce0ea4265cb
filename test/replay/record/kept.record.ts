import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { kept } from '../../../workflows/kept.ts';
import { KEPT_WORKFLOW, TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { releaseKept } from '../../../workflows/release-kept.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const NAME = 'zpool/incus.old';

async function keep({ startFleet }: Stage, policy = ''): Promise<{ revision: string }> {
  const { simulation } = await startFleet((fleetFile) => fleetFile + policy);
  await simulation.store.update((state) => {
    Object.assign(state.machines['nuc-1']?.datasets ?? {}, {
      [NAME]: { snapshots: {}, properties: { 'runbook:kept': 'run', 'runbook:kept-from': 'zpool/incus' } },
    });
  });
  return { revision: simulation.revision() };
}

record('kept', {
  one: async (stage) => {
    const handle = await stage.env.client.workflow.start<typeof kept>(KEPT_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${KEPT_WORKFLOW}/recorded`,
      args: [{ fleet: await keep(stage) }],
    });
    expect((await handle.result()).kept).toMatchObject([{ member: 'nuc-1', name: NAME }]);
    return handle;
  },
});

async function release(stage: Stage, policy?: string): Promise<WorkflowHandle<typeof releaseKept>> {
  return stage.env.client.workflow.start<typeof releaseKept>('releaseKept', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('release-kept', 'nuc-1'),
    args: [{ fleet: await keep(stage, policy), actor: 'tester', member: 'nuc-1', name: NAME }],
  });
}

const TWO_PEOPLE = '  approvals: { destructive: { people: 2, otherThanStarter: true } }\n';

record('releaseKept', {
  done: async (stage): Promise<WorkflowHandle> => {
    const handle = await release(stage);
    await answer(handle, { approved: true, name: NAME });
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
  'two-people': async (stage): Promise<WorkflowHandle> => {
    const handle = await release(stage, TWO_PEOPLE);
    for (const actor of ['ada@laptop', 'bob@desk']) await answer(handle, { approved: true, name: NAME, actor });
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
});
