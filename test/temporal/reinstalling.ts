import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import type { Simulation } from '../../simulator/create.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { nodeReinstall } from '../../workflows/node-reinstall.ts';

export function startReinstall(
  env: TestWorkflowEnvironment,
  simulation: Simulation,
  node: string,
  planOnly = false,
): Promise<WorkflowHandle<typeof nodeReinstall>> {
  return env.client.workflow.start<typeof nodeReinstall>('nodeReinstall', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('node-reinstall', node),
    args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, node }],
  });
}

/** How often the declared command ran. */
export const installations = (simulation: Simulation): number =>
  simulation.journal().filter(({ phase, tool }) => phase === 'before' && tool === 'install-member').length;

/** Declares in a fleet file of the reference how a member is installed; `hostKey`: whose key the installer has. */
export function withReinstall(
  fleetFile: string,
  member: string,
  { extra = [], hostKey }: { extra?: readonly string[]; hostKey?: string | undefined } = {},
): string {
  const command = ['install-member', '--flake', '{flake}#{node}', ...extra, '{user}@{address}'];
  const lines = [
    '    reinstall:',
    `      command: ${JSON.stringify(command)}`,
    ...(hostKey === undefined ? [] : [`      hostKey: ${hostKeyOf(hostKey)}`]),
  ];
  const own = `    ssh: { hostKey: ${hostKeyOf(member)} }\n`;
  if (!fleetFile.includes(own)) throw new Error(`Expected ${member} in the fleet file, it is not there.`);
  return fleetFile.replace(own, `${own}${lines.join('\n')}\n`);
}
