import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import type { nightlyBackup } from '../../../workflows/nightly-backup.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof nightlyBackup>;

async function start(
  { env, startFleet }: Stage,
  { planOnly = false, off, backup }: { planOnly?: boolean; off?: string; backup?: string } = {},
): Promise<Handle> {
  const { simulation } = await startFleet();
  if (off !== undefined) await simulation.power(off, 'off');
  return env.client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('nightly-backup', backup ?? 'all'),
    args: [
      {
        ...{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly },
        ...(backup === undefined ? {} : { backup }),
      },
    ],
  });
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

record('nightlyBackup', {
  done: async (stage) => ended(await start(stage), 'Done'),
  'one-away': async (stage) => ended(await start(stage, { off: 'elitedesk-2' }), 'Failed'),
  'of-one-entry': async (stage) => ended(await start(stage, { backup: 'edge-data' }), 'Done'),
  'no-place': async (stage) => ended(await start(stage, { off: 'nuc-1' }), 'Failed'),
  refused: async (stage) => ended(await start(stage, { off: 'elitedesk-1', backup: 'edge-data' }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
