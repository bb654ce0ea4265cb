import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { nodeRejoin } from '../../../workflows/node-rejoin.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

const MEMBER = 'elitedesk-2';
type Handle = WorkflowHandle<typeof nodeRejoin>;

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, isOff = false, isStopped = false } = {},
): Promise<Handle> {
  const { simulation } = await startFleet();
  if (isOff) await simulation.power(MEMBER, 'off');
  await simulation.store.update(({ machines, cluster }) => {
    const machine = machines[MEMBER];
    if (machine) machine.datasets['zpool/incus'] = { snapshots: {} };
    const instance = cluster.instances['metrics-vm'];
    if (isStopped && instance)
      Object.assign(instance, { status: 'Stopped', config: { ...instance.config, 'boot.autostart': 'true' } });
  });
  return env.client.workflow.start<typeof nodeRejoin>('nodeRejoin', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('node-rejoin', MEMBER),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, node: MEMBER, anew: false }],
  });
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('nodeRejoin', {
  done: async (stage) => ended(await start(stage, { isStopped: true }), 'Done'),
  'already-so': async (stage) => ended(await start(stage), 'AlreadySo'),
  refused: async (stage) => ended(await start(stage, { isOff: true }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
