import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUE, workflowId, type SafeUpgradeAllInput } from '../../../workflows/messages.ts';
import type { safeUpgradeAll } from '../../../workflows/safe-upgrade-all.ts';
import { viewOf, type SimulatedFleet } from '../../temporal/simulated-fleet.ts';
import { record, type Stage } from './recorder.ts';

function start(
  { env }: Stage,
  { simulation }: SimulatedFleet,
  planOnly = false,
): Promise<WorkflowHandle<typeof safeUpgradeAll>> {
  const input: SafeUpgradeAllInput = {
    fleet: { revision: simulation.revision() },
    actor: 'tester',
    allowOffline: [],
    allowOrchestrator: true,
    planOnly,
  };
  return env.client.workflow.start<typeof safeUpgradeAll>('safeUpgradeAll', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('safe-upgrade', 'all'),
    args: [input],
  });
}

record('safeUpgradeAll', {
  done: async (stage) => {
    const fleet = await stage.startFleet();
    for (const member of ['elitedesk-1', 'nuc-1']) fleet.simulation.setSpec(member, { version: '26.05.2' });
    const handle = await start(stage, fleet);
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
  'plan-only': async (stage) => {
    const fleet = await stage.startFleet();
    for (const member of ['elitedesk-1', 'nuc-1']) fleet.simulation.setSpec(member, { version: '26.05.2' });
    const handle = await start(stage, fleet, true);
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    return handle;
  },
  stopped: async (stage) => {
    const fleet = await stage.startFleet();
    for (const member of ['elitedesk-1', 'elitedesk-2', 'nuc-1'])
      fleet.simulation.setSpec(member, { version: '26.05.2', breaks: ['edge-vm', 'metrics-vm', 'dns-ct'] });
    const handle = await start(stage, fleet);
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'RolledBack' });
    return handle;
  },
});
