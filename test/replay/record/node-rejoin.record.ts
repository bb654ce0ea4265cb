import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome, RunView } from '../../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId } from '../../../workflows/messages.ts';
import type { nodeRejoin } from '../../../workflows/node-rejoin.ts';
import { eventually } from '../../hosts/eventually.ts';
import { loseAll, startRejoin } from '../../temporal/losing-disks.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
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

/** Its disks are lost, the one of its root and those of its data. */
async function startLost({ env, startFleet }: Stage, { away }: { away?: string } = {}): Promise<Handle> {
  const { simulation } = await startFleet();
  await loseAll(simulation, MEMBER);
  if (away !== undefined) await simulation.power(away, 'off');
  const handle = await startRejoin(env, simulation, MEMBER);
  if (away !== undefined) {
    await eventually(
      'it waits',
      async () => (await handle.query<RunView>(VIEW_QUERY)).steps.some(({ id }) => id === 'others'),
      120_000,
    );
    await simulation.power(away, 'on');
  }
  await answer(handle, { approved: true, name: MEMBER });
  return handle;
}

record('nodeRejoin', {
  'disks-lost': async (stage) => ended(await startLost(stage), 'Done'),
  'waited-for-another': async (stage) => ended(await startLost(stage, { away: 'nuc-1' }), 'Done'),
  done: async (stage) => ended(await start(stage, { isStopped: true }), 'Done'),
  'already-so': async (stage) => ended(await start(stage), 'AlreadySo'),
  refused: async (stage) => ended(await start(stage, { isOff: true }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
