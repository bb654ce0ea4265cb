import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import type { clusterBootstrap } from '../../../workflows/cluster-bootstrap.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

const IDENTITY = `identity: { recipients: [age1${'q'.repeat(58)}] }\n`;

async function ends(
  { env, startFleet }: Stage,
  { bare, planOnly, more = '' }: { bare: boolean; planOnly: boolean; more?: string },
  outcome: Outcome,
): Promise<WorkflowHandle> {
  const { simulation } = await startFleet((fleetFile) => `${fleetFile}${more}`, { bare });
  const handle = await env.client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('cluster-bootstrap', 'all'),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly }],
  });
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('clusterBootstrap', {
  done: (stage) => ends(stage, { bare: true, planOnly: false }, 'Done'),
  'with-identities': (stage) => ends(stage, { bare: true, planOnly: false, more: IDENTITY }, 'Done'),
  'already-so': (stage) => ends(stage, { bare: false, planOnly: false }, 'AlreadySo'),
  'plan-only': (stage) => ends(stage, { bare: true, planOnly: true }, 'Done'),
});
