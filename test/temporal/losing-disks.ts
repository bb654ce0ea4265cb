import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Simulation } from '../../simulator/create.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { nodeRejoin } from '../../workflows/node-rejoin.ts';

/** Of the image that every guest was made of. */
export const IMAGE = 'e'.repeat(64);

export type Rejoin = WorkflowHandle<typeof nodeRejoin>;

export const startRejoin = (
  env: TestWorkflowEnvironment,
  simulation: Simulation,
  node: string,
  planOnly = false,
): Promise<Rejoin> =>
  env.client.workflow.start<typeof nodeRejoin>('nodeRejoin', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('node-rejoin', node),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, node, anew: false }],
  });

/**
 * The guests get what only the cluster knows of them, and another member has their image; then the member loses its disks, and is
 * installed anew.
 */
export async function loseAll(simulation: Simulation, member: string): Promise<void> {
  await simulation.store.update(({ cluster }) => {
    cluster.images = { [IMAGE]: { type: 'virtual-machine', members: Object.keys(cluster.members) } };
    for (const instance of Object.values(cluster.instances))
      Object.assign(instance.config, {
        'volatile.base_image': IMAGE,
        'volatile.eth0.hwaddr': '00:16:3e:00:00:01',
        'volatile.uuid': 'its own',
        'user.note': `of ${instance.name}`,
      });
    for (const volume of Object.values(cluster.volumes))
      volume.config = { size: '20GiB', 'volatile.idmap.last': `of ${volume.name}` };
  });
  await simulation.loseDisks(member);
}
