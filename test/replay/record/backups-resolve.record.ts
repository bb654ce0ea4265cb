import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { ResolveWay } from '../../../plan/replica-resolve.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { backupsResolve } from '../../../workflows/backups-resolve.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const REPLICA = 'tank/replica/home-data';

/** With a replica that has a snapshot of its own. */
async function start(
  { env, startFleet }: Stage,
  way: ResolveWay,
  volume = 'home-data',
): Promise<WorkflowHandle<typeof backupsResolve>> {
  const { simulation } = await startFleet();
  await simulation.store.update(({ machines }) => {
    const dataset = machines['nuc-1']?.datasets[REPLICA];
    if (dataset) dataset.snapshots['by-hand'] = { creation: Math.floor(Date.now() / 1000), guid: '77' };
  });
  return env.client.workflow.start<typeof backupsResolve>('backupsResolve', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('backups-resolve', 'nuc-1'),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', volume, target: 'nuc-1', way }],
  });
}

record('backupsResolve', {
  'kept-aside': async (stage): Promise<WorkflowHandle> => {
    const handle = await start(stage, 'keep aside');
    await answer(handle, { approved: true });
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
  'rolled-back': async (stage): Promise<WorkflowHandle> => {
    const handle = await start(stage, 'roll back');
    await answer(handle, { approved: true, name: REPLICA });
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
  rejected: async (stage): Promise<WorkflowHandle> => {
    const handle = await start(stage, 'roll back');
    await answer(handle, { approved: false });
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Failed', unchanged: true });
    return handle;
  },
  already: async (stage): Promise<WorkflowHandle> => {
    const handle = await start(stage, 'keep aside', 'edge-data');
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'AlreadySo' });
    return handle;
  },
});
