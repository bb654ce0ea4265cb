import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome, RunView } from '../../../plan/run.ts';
import { DECIDE_UPDATE, VIEW_QUERY, type DecideArgs } from '../../../workflows/messages.ts';
import type { safeUpgrade } from '../../../workflows/safe-upgrade.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf, type SimulatedFleet } from '../../temporal/simulated-fleet.ts';
import { record } from './recorder.ts';

type Handle = WorkflowHandle<typeof safeUpgrade>;
const NODE = 'elitedesk-1';
const MEMBER = { allowOrchestrator: true };
const IN_TIME_MS = 60_000;

async function ended(handle: Handle, outcome: Outcome): Promise<Handle> {
  const { result } = await viewOf(handle);
  expect(result).toMatchObject({ outcome });
  return handle;
}

/** Stops the world where it pulls a container's new image, and waits until it is there. */
async function heldAtThePull({ simulation }: SimulatedFleet): Promise<() => void> {
  const id = await simulation.addFault({
    machine: 'edge-vm',
    tool: 'podman',
    args: '^pull',
    effect: { type: 'pause' },
  });
  await eventually('the pull is reached', () => simulation.isPaused(id), IN_TIME_MS);
  return () => {
    simulation.releasePause(id);
  };
}

const release = ({ simulation }: SimulatedFleet): void => {
  simulation.setSpec(NODE, { version: '26.05.2' });
  simulation.setSpec('edge-vm', { version: '26.05.2' });
};

record('safeUpgrade', {
  done: async ({ startFleet }) => {
    const fleet = await startFleet();
    release(fleet);
    await fleet.simulation.publishImage('registry.example/caddy:stable', { healthy: true });
    return ended(await fleet.start(NODE, MEMBER), 'Done');
  },
  'already-so': async ({ startFleet }) => ended(await (await startFleet()).start(NODE, MEMBER), 'AlreadySo'),
  'rolled-back-containers': async ({ startFleet }) => {
    const fleet = await startFleet();
    fleet.simulation.setSpec('edge-vm', { version: '26.05.2' });
    await fleet.simulation.publishImage('registry.example/caddy:stable', { healthy: false });
    return ended(await fleet.start('edge-vm', MEMBER), 'RolledBack');
  },
  'rolled-back-host': async ({ startFleet }) => {
    const fleet = await startFleet();
    fleet.simulation.setSpec(NODE, { version: '26.05.2', breaks: ['edge-vm'] });
    return ended(await fleet.start(NODE, MEMBER), 'RolledBack');
  },
  refused: async ({ startFleet }) => {
    const fleet = await startFleet();
    release(fleet);
    await fleet.simulation.power('nuc-1', 'off');
    return ended(await fleet.start(NODE, MEMBER), 'Failed');
  },
  cancelled: async ({ startFleet }) => {
    const fleet = await startFleet();
    release(fleet);
    await fleet.simulation.publishImage('registry.example/caddy:stable', { healthy: true });
    const handle = await fleet.start(NODE, MEMBER);
    const letGo = await heldAtThePull(fleet);
    await handle.cancel();
    letGo();
    return ended(handle, 'RolledBack');
  },
  'reboot-approved': async ({ startFleet }) => {
    const fleet = await startFleet((text) => text.replace('reboot: automatic', 'reboot: ask'));
    fleet.simulation.setSpec(NODE, { version: '26.05.2', kernel: '6.12.9' });
    const handle = await fleet.start(NODE, MEMBER);
    const asks = async (): Promise<boolean> => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'reboot';
    await eventually('it asks', asks, IN_TIME_MS);
    const answer: DecideArgs = { approved: true, actor: 'tester', reason: 'the window is open' };
    await handle.executeUpdate(DECIDE_UPDATE, { args: [answer] });
    return ended(handle, 'Done');
  },
  'plan-only': async ({ startFleet }) => {
    const fleet = await startFleet();
    release(fleet);
    return ended(await fleet.start(NODE, { ...MEMBER, planOnly: true }), 'Done');
  },
  resumed: async ({ startFleet }) => {
    const fleet = await startFleet();
    release(fleet);
    await fleet.simulation.publishImage('registry.example/caddy:stable', { healthy: true });
    const first = await fleet.start(NODE, MEMBER);
    const letGo = await heldAtThePull(fleet);
    const { resume } = await first.query<RunView>(VIEW_QUERY);
    if (!resume) throw new Error('Expected something to go on from, got nothing.');
    await first.terminate('by the recorder');
    letGo();
    return ended(await fleet.start(NODE, { ...MEMBER, resume }), 'Done');
  },
});
