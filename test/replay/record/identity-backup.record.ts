import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { referenceFleetFile } from '../../../simulator/reference-fleet.ts';
import type { identityBackup } from '../../../workflows/identity-backup.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof identityBackup>;
const RECIPIENT = `age1${'q'.repeat(58)}`;

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, isOff = false, node }: { planOnly?: boolean; isOff?: boolean; node?: string } = {},
): Promise<Handle> {
  const { simulation } = await startFleet();
  simulation.setFleetFile(`${referenceFleetFile()}identity:\n  recipients: [${RECIPIENT}]\n`);
  if (isOff) await simulation.power('nuc-1', 'off');
  return env.client.workflow.start<typeof identityBackup>('identityBackup', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('identity-backup', node ?? 'all'),
    args: [
      {
        fleet: { revision: simulation.revision() },
        actor: 'tester',
        planOnly,
        ...(node === undefined ? {} : { node }),
      },
    ],
  });
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('identityBackup', {
  done: async (stage) => ended(await start(stage), 'Done'),
  'one-away': async (stage) => ended(await start(stage, { isOff: true }), 'Failed'),
  'of-one-member': async (stage) => ended(await start(stage, { node: 'nuc-1' }), 'Done'),
  refused: async (stage) => ended(await start(stage, { isOff: true, node: 'nuc-1' }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
