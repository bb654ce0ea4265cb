import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Decision, Outcome, RunView } from '../../../plan/run.ts';
import type { Simulation } from '../../../simulator/create.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../../workflows/messages.ts';
import type { restore } from '../../../workflows/restore.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof restore>;

interface Wish {
  planOnly?: boolean;
  off?: string;
  to?: string;
  inPlace?: true;
}

const start = async (stage: Stage, wish: Wish = {}): Promise<Handle> => (await begin(stage, wish)).run;

async function begin(
  { env, startFleet }: Stage,
  { planOnly = false, off, to, inPlace }: Wish,
): Promise<{ simulation: Simulation; run: Handle }> {
  const { simulation } = await startFleet();
  if (off !== undefined) await simulation.power(off, 'off');
  const run = await env.client.workflow.start<typeof restore>('restore', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('restore', 'edge-data'),
    args: [
      {
        ...{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly },
        ...{ project: 'default', volume: 'edge-data', ...(to === undefined ? {} : { to }) },
        ...(inPlace === undefined ? {} : { inPlace }),
      },
    ],
  });
  return { simulation, run };
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

async function approve(run: Handle): Promise<Handle> {
  await eventually('it asks', async () => (await run.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
  const answer = { approved: true, actor: 'tester', reason: 'a record', name: 'edge-data' };
  await run.executeUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE, { args: [answer] });
  return run;
}

async function putBack(stage: Stage): Promise<WorkflowHandle> {
  const { simulation, run } = await begin(stage, { inPlace: true });
  await simulation.addFault({
    ...{ tool: 'incus', args: '"action":"start"', times: 1 },
    effect: { type: 'fail', exitCode: 1, stderr: 'Error: it is not the day for it' },
  });
  return ended(await approve(run), 'RolledBack');
}

record('restore', {
  'in-place': async (stage) => ended(await approve(await start(stage, { inPlace: true })), 'Done'),
  'put-back': putBack,
  done: async (stage) => ended(await start(stage, { to: 'found' }), 'Done'),
  'no-member': async (stage) => ended(await start(stage, { off: 'elitedesk-1' }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
