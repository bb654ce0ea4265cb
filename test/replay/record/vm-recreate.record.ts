import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome, RunView } from '../../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../../workflows/messages.ts';
import type { vmRecreate } from '../../../workflows/vm-recreate.ts';
import { eventually } from '../../hosts/eventually.ts';
import { addRecreation } from '../../temporal/recreating.ts';
import { GUEST, HOME } from '../../temporal/rotating.ts';
import { viewOf, type SimulatedFleet } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof vmRecreate>;

async function start(
  { env, startFleet }: Stage,
  {
    planOnly = false,
    keepOld = '7d',
    ...secrets
  }: { planOnly?: boolean; keepOld?: string } & Parameters<typeof addRecreation>[1] = {},
): Promise<{ handle: Handle; fleet: SimulatedFleet }> {
  const fleet = await startFleet();
  addRecreation(fleet.simulation, secrets);
  const handle = await env.client.workflow.start<typeof vmRecreate>('vmRecreate', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('vm-recreate', GUEST),
    args: [{ fleet: { revision: fleet.simulation.revision() }, actor: 'tester', planOnly, guest: GUEST, keepOld }],
  });
  return { handle, fleet };
}

async function approved(handle: Handle, names: string[] = []): Promise<Handle> {
  const asks = async (): Promise<boolean> => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'recreate';
  await eventually('it asks', asks, 120_000);
  await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'ada', reason: 'it is time', names }] });
  return handle;
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('vmRecreate', {
  done: async (stage) => ended(await approved((await start(stage)).handle), 'Done'),
  'old-removed': async (stage) =>
    ended(await approved((await start(stage, { keepOld: '0s', push: false })).handle, [GUEST]), 'Done'),
  'taken-back': async (stage) => {
    const { handle, fleet } = await start(stage);
    await fleet.simulation.addFault({
      ...{ machine: GUEST, tool: 'age', args: '--decrypt' },
      effect: { type: 'fail', exitCode: 1, stderr: 'age: error: no identity matched any of the recipients' },
    });
    return ended(await approved(handle), 'RolledBack');
  },
  refused: async (stage) => ended((await start(stage, { operatorKey: HOME })).handle, 'Failed'),
  'plan-only': async (stage) => ended((await start(stage, { planOnly: true })).handle, 'Done'),
});
