import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome, RunView } from '../../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../../workflows/messages.ts';
import type { rotateKeys } from '../../../workflows/rotate-keys.ts';
import { eventually } from '../../hosts/eventually.ts';
import { addSecrets, GUEST, HOME } from '../../temporal/rotating.ts';
import { viewOf, type SimulatedFleet } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof rotateKeys>;

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, ...secrets }: { planOnly?: boolean } & Parameters<typeof addSecrets>[1] = {},
): Promise<{ handle: Handle; fleet: SimulatedFleet }> {
  const fleet = await startFleet();
  addSecrets(fleet.simulation, secrets);
  const handle = await env.client.workflow.start<typeof rotateKeys>('rotateKeys', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('rotate-keys', GUEST),
    args: [{ fleet: { revision: fleet.simulation.revision() }, actor: 'tester', planOnly, guest: GUEST }],
  });
  return { handle, fleet };
}

async function approved(handle: Handle): Promise<Handle> {
  const asks = async (): Promise<boolean> => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'rotate';
  await eventually('it asks', asks, 120_000);
  await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'ada', reason: 'it is time' }] });
  return handle;
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('rotateKeys', {
  done: async (stage) => ended(await approved((await start(stage)).handle), 'Done'),
  'not-pushed': async (stage) => ended(await approved((await start(stage, { push: false })).handle), 'Done'),
  'taken-back': async (stage) => {
    const { handle, fleet } = await start(stage);
    await fleet.simulation.addFault({
      ...{ machine: GUEST, tool: 'age', args: 'new' },
      effect: { type: 'fail', exitCode: 1, stderr: 'age: error: no identity matched any of the recipients' },
    });
    return ended(await approved(handle), 'RolledBack');
  },
  refused: async (stage) => ended((await start(stage, { operatorKey: HOME })).handle, 'Failed'),
  'plan-only': async (stage) => ended((await start(stage, { planOnly: true })).handle, 'Done'),
});
