import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { randomUUID } from 'node:crypto';
import type { FleetGlance } from '../../plan/glance.ts';
import { GLANCE_WORKFLOW, TASK_QUEUE } from '../../workflows/messages.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, type SimulatedFleet } from './simulated-fleet.ts';

describe('a glance at the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  beforeAll(async () => {
    env = await startLocalServer();
    fleet = await startSimulatedFleet(env);
  }, 60_000);
  afterAll(async () => {
    await fleet.dispose();
    await env.teardown();
  }, 60_000);

  const glance = async (): Promise<FleetGlance> =>
    (await env.client.workflow.execute(GLANCE_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `glance/${randomUUID()}`,
      args: [{ fleet: { revision: fleet.simulation.revision() } }],
    })) as FleetGlance;
  const member = (name: string): object => ({ name, status: 'Online', incusVersion: '6.0.4' });

  it('sees members with their Incus, and the declared guests', async () => {
    expect(await glance()).toEqual({
      members: ['elitedesk-1', 'elitedesk-2', 'nuc-1'].map(member),
      guests: ['edge-vm', 'home-vm', 'metrics-vm', 'dns-ct'].map((name) => ({ name, status: 'Running' })),
    });
    expect(fleet.simulation.unknown()).toEqual([]);
  }, 60_000);

  it('sees one that is away through the others, also where it is the first', async () => {
    await fleet.simulation.power('elitedesk-1', 'off');
    const { members, guests, problem } = await glance();
    expect(problem).toBeUndefined();
    expect(members[0]).toMatchObject({ name: 'elitedesk-1', status: 'Offline' });
    expect(members[0]?.problem).toContain('no connection');
    expect(members.slice(1)).toEqual(['elitedesk-2', 'nuc-1'].map(member));
    expect(guests.find(({ name }) => name === 'edge-vm')).toEqual({ name: 'edge-vm', status: 'Error' });
    await fleet.simulation.power('elitedesk-1', 'on');
  }, 60_000);

  it('does not wait for one that hangs, and says so', async () => {
    await fleet.simulation.addFault({ machine: 'nuc-1', tool: 'incus', effect: { type: 'hang' }, times: 1 });
    const { members } = await glance();
    expect(members[2]).toEqual({ name: 'nuc-1', status: 'Online', problem: 'no answer within 8 s' });
  }, 60_000);

  it('says so where nobody answers', async () => {
    for (const name of ['elitedesk-1', 'elitedesk-2', 'nuc-1']) await fleet.simulation.power(name, 'off');
    const { guests, problem } = await glance();
    expect(problem).toBe('no member answers');
    expect(guests[0]).toEqual({ name: 'edge-vm' });
  }, 60_000);
});
