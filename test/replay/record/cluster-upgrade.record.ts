import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome, RunView } from '../../../plan/run.ts';
import type { clusterUpgrade } from '../../../workflows/cluster-upgrade.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../../workflows/messages.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

/** Starts with a new Incus for all members. */
async function start({ env, startFleet }: Stage, planOnly: boolean): Promise<WorkflowHandle<typeof clusterUpgrade>> {
  const { simulation } = await startFleet();
  for (const member of ['elitedesk-1', 'elitedesk-2', 'nuc-1']) simulation.setSpec(member, { incus: '7.0.2' });
  return env.client.workflow.start<typeof clusterUpgrade>('clusterUpgrade', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('cluster-upgrade', 'all'),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly }],
  });
}

async function decided(stage: Stage, approved: boolean, outcome: Outcome): Promise<WorkflowHandle> {
  const handle = await start(stage, false);
  const asks = async (): Promise<boolean> => {
    const { approval, result } = await handle.query<RunView>(VIEW_QUERY);
    if (result) throw new Error(`Expected a question, got the end: ${JSON.stringify(result)}`);
    return approval !== undefined;
  };
  await eventually('it asks', asks, 60_000);
  const answer: DecideArgs = { approved, actor: 'tester', reason: 'as recorded' };
  await handle.executeUpdate(DECIDE_UPDATE, { args: [answer] });
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('clusterUpgrade', {
  done: (stage) => decided(stage, true, 'Done'),
  rejected: (stage) => decided(stage, false, 'Failed'),
  'plan-only': async (stage) => {
    const handle = await start(stage, true);
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
});
