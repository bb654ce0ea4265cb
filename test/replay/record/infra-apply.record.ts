import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId } from '../../../workflows/messages.ts';
import type { RunView } from '../../../plan/run.ts';
import type { infraApply } from '../../../workflows/infra-apply.ts';
import type { infraApplyAll } from '../../../workflows/infra-apply-all.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const NODE = 'nuc-1';
const INFRA = {
  state: { type: 'local', dir: '/tmp/runbook-recording/states' },
  stateBackups: { dir: '/tmp/runbook-recording/backups' },
};
/** Times that no run waits for here: where nobody answers it has to be soon. */
const fleetFile =
  (more: object = {}) =>
  (text: string): string =>
    `${text}\ninfra: ${JSON.stringify({ ...INFRA, ...more })}\n`;

interface Asked {
  planOnly?: boolean;
  more?: object;
}

const moduleOf = (image: string): string => JSON.stringify({ resource: { incus_instance: { edge: { image } } } });

/** How to start a run at the revision that the fleet has then. */
async function staged({ env, startFleet }: Stage, { planOnly = false, more = {} }: Asked = {}) {
  const { simulation } = await startFleet(fleetFile(more));
  simulation.setFile(`infra/incus/${NODE}/main.tf.json`, moduleOf('images:nixos'));
  const input = () => ({ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly });
  return {
    simulation,
    one: (): Promise<WorkflowHandle<typeof infraApply>> =>
      env.client.workflow.start<typeof infraApply>('infraApply', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('infra-apply', NODE),
        args: [{ ...input(), node: NODE }],
      }),
    all: (): Promise<WorkflowHandle<typeof infraApplyAll>> =>
      env.client.workflow.start<typeof infraApplyAll>('infraApplyAll', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('infra-apply', 'all'),
        args: [input()],
      }),
    child: (): WorkflowHandle => env.client.workflow.getHandle(workflowId('infra-apply', NODE)),
  };
}

async function ended(handle: WorkflowHandle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

/** Says yes to the plan that it asks about, and to what is lost by it. */
async function agree(handle: WorkflowHandle): Promise<void> {
  const view = () => handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
  await eventually('it asks', async () => (await view())?.approval !== undefined, 120_000);
  const { plan = '', names } = (await view())?.approval ?? {};
  await answer(handle, { approved: true, plan, ...(names === undefined ? {} : { names }) });
}

record('infraApply', {
  done: async (stage) => {
    const handle = await (await staged(stage)).one();
    await agree(handle);
    return ended(handle, 'Done');
  },
  replaced: async (stage) => {
    const { simulation, one } = await staged(stage);
    const first = await one();
    await agree(first);
    await ended(first, 'Done');
    simulation.setFile(`infra/incus/${NODE}/main.tf.json`, moduleOf('images:debian'));
    const handle = await one();
    await agree(handle);
    return ended(handle, 'Done');
  },
  rejected: async (stage) => {
    const handle = await (await staged(stage)).one();
    await answer(handle, { approved: false });
    return ended(handle, 'Failed');
  },
  expired: async (stage) => {
    const more = { approvalTimeout: '3s', remindEvery: '1s' };
    return ended(await (await staged(stage, { more })).one(), 'Failed');
  },
  'plan-only': async (stage) => ended(await (await staged(stage, { planOnly: true })).one(), 'Done'),
});

record('infraApplyAll', {
  done: async (stage) => {
    const { all, child } = await staged(stage);
    const handle = await all();
    await agree(child());
    return ended(handle, 'Done');
  },
  'plan-only': async (stage) => ended(await (await staged(stage, { planOnly: true })).all(), 'Done'),
});
