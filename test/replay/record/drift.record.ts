import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import type { drift } from '../../../workflows/drift.ts';
import { TASK_QUEUE, workflowId } from '../../../workflows/messages.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

type Handle = WorkflowHandle<typeof drift>;
const BACKUPS = { dir: '/tmp/runbook-recording/backups' };
const KEPT = { 'snapshots.schedule': '@daily', 'snapshots.expiry': '7d' };

async function start(
  { env, startFleet }: Stage,
  { isKept = true, isOff = false, node }: { isKept?: boolean; isOff?: boolean; node?: string } = {},
): Promise<Handle> {
  const infra = { state: { type: 'local', dir: '/tmp/runbook-recording/states' }, stateBackups: BACKUPS };
  const { simulation } = await startFleet((text) => `${text}\ninfra: ${JSON.stringify(infra)}\n`);
  const resource = { incus_network: { lan: { ipv4: '10.0.1.1/24' } } };
  if (!isKept) simulation.setFile('infra/incus/nuc-1/main.tf.json', JSON.stringify({ resource }));
  await simulation.store.update(({ cluster: { instances, volumes } }) => {
    if (isKept)
      for (const each of [...Object.values(instances), ...Object.values(volumes)]) Object.assign(each.config, KEPT);
  });
  if (isOff) await simulation.power('nuc-1', 'off');
  return env.client.workflow.start<typeof drift>('drift', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('drift', node ?? 'all'),
    args: [
      {
        ...{ fleet: { revision: simulation.revision() }, actor: 'tester' },
        ...(node === undefined ? {} : { node }),
      },
    ],
  });
}

async function ended(handle: Handle, outcome: Outcome, type?: string): Promise<WorkflowHandle> {
  const { result } = await viewOf(handle);
  expect(result).toMatchObject({ outcome });
  expect(result?.failure?.type).toBe(type);
  return handle;
}

record('drift', {
  'already-so': async (stage) => ended(await start(stage), 'AlreadySo'),
  drifted: async (stage) => ended(await start(stage, { isKept: false }), 'Failed', 'Drifted'),
  'not-seen': async (stage) => ended(await start(stage, { isOff: true }), 'Failed', 'NotSeen'),
  'of-one-member': async (stage) => ended(await start(stage, { node: 'elitedesk-1' }), 'AlreadySo'),
});
