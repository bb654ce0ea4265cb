import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import type { Simulation } from '../../../simulator/create.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { restoreDrill } from '../../../workflows/restore-drill.ts';
import { copiedTonight } from '../../temporal/copied-tonight.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

async function drill(
  { env, startFleet }: Stage,
  outcome: Outcome,
  {
    planOnly = false,
    before = copiedTonight,
  }: { planOnly?: boolean; before?: (simulation: Simulation) => Promise<unknown> } = {},
): Promise<WorkflowHandle> {
  const { simulation } = await startFleet();
  await before(simulation);
  const handle = await env.client.workflow.start<typeof restoreDrill>('restoreDrill', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('restore-drill', 'all'),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly }],
  });
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

async function spoiled(simulation: Simulation): Promise<void> {
  await copiedTonight(simulation);
  await simulation.store.update(({ machines }) => {
    const snapshot = machines['nuc-1']?.datasets['tank/replica/edge-data']?.snapshots['snapshot-nightly'];
    if (snapshot) snapshot.content = 'something else';
  });
}

record('restoreDrill', {
  done: (stage) => drill(stage, 'Done'),
  'one-is-wrong': (stage) => drill(stage, 'Failed', { before: spoiled }),
  refused: (stage) => drill(stage, 'Failed', { before: () => Promise.resolve() }),
  'plan-only': (stage) => drill(stage, 'Done', { planOnly: true }),
});
