import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { RunView } from '../../plan/run.ts';
import type { Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import {
  DECIDE_UPDATE,
  planWorkflowId,
  TASK_QUEUE,
  VIEW_QUERY,
  workflowId,
  type SafeUpgradeAllInput,
} from '../../workflows/messages.ts';
import type { safeUpgradeAll } from '../../workflows/safe-upgrade-all.ts';
import { eventually } from '../hosts/eventually.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';
import { healthOf, pauseAt, release, settle } from './simulated-hands.ts';
import { systemOf } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const MEMBERS = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];

type Handle = WorkflowHandle<typeof safeUpgradeAll>;

describe('safe-upgrade of all members over the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  beforeAll(async () => {
    env = await startLocalServer();
    fleet = await startSimulatedFleet(env);
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(async () => {
    await settle(simulation);
    simulation.setFleetFile(referenceFleetFile());
  });
  afterAll(async () => {
    expect(simulation.unknown()).toEqual([]);
    await fleet.dispose();
    await env.teardown();
  }, 60_000);

  const start = (input: Partial<SafeUpgradeAllInput> = {}, id = workflowId('safe-upgrade', 'all')): Promise<Handle> =>
    env.client.workflow.start<typeof safeUpgradeAll>('safeUpgradeAll', {
      taskQueue: TASK_QUEUE,
      workflowId: id,
      args: [
        {
          fleet: { revision: simulation.revision() },
          actor: 'tester',
          allowOffline: [],
          allowOrchestrator: false,
          planOnly: false,
          ...input,
        },
      ],
    });
  const view = (handle: Handle): Promise<RunView> => handle.query<RunView>(VIEW_QUERY);
  const until = (handle: Handle, what: string, holds: (view: RunView) => boolean): Promise<void> =>
    eventually(what, async () => holds(await view(handle)), 90_000);

  /** The nodes that were deployed to since, in the order of their first deployment. */
  function deployed(since: number): string[] {
    const targets = simulation
      .journal()
      .slice(since)
      .filter(({ tool, phase }) => tool === 'deploy' && phase === 'before')
      .map(({ args }) => /#"?([^".]+)/.exec(args.at(-1) ?? '')?.[1] ?? '');
    return [...new Set(targets)];
  }

  const versions = (): string[] => MEMBERS.map((member) => systemOf(simulation, member).running);

  it(
    'goes over all members, those that others depend on and the orchestrator last',
    async () => {
      const released = MEMBERS.map((member) => release(simulation, member));
      simulation.setFleetFile(
        `${referenceFleetFile().replace('  metrics-vm:\n', '  metrics-vm:\n    dependsOn: [dns-ct]\n')}orchestrator: { guest: home-vm }\n`,
      );
      const { length } = simulation.journal();
      const { result } = await viewOf(await start({ allowOrchestrator: true }));
      expect(result).toMatchObject({
        outcome: 'Done',
        summary: 'elitedesk-2, nuc-1, elitedesk-1 upgraded.',
      });
      expect(deployed(length)).toEqual(['elitedesk-2', 'nuc-1', 'elitedesk-1']);
      expect(versions()).toEqual(released);
      const again = await viewOf(await start({ allowOrchestrator: true }));
      expect(again.result?.outcome).toBe('AlreadySo');
    },
    TIMEOUT_MS,
  );

  it(
    'stops at the first that is not healthy, says what is done, and goes on there when it is started again',
    async () => {
      const [, before] = versions();
      const [first, , last] = MEMBERS.map((member) => release(simulation, member));
      release(simulation, 'elitedesk-2', { breaks: ['metrics-vm'] });
      const stopped = await viewOf(await start());
      expect(stopped.result).toMatchObject({
        outcome: 'RolledBack',
        summary: expect.stringMatching(/^Stopped at elitedesk-2: /) as unknown,
        failure: { type: 'Unhealthy' },
        left: ['Upgraded and kept so: elitedesk-1.', 'Not touched: nuc-1.'],
      });
      expect(versions().slice(0, 2)).toEqual([first, before]);
      expect(systemOf(simulation, 'nuc-1').running).not.toBe(last);
      expect(healthOf(simulation, 'metrics-vm')).toBe(200);
      const mended = release(simulation, 'elitedesk-2');
      const { length } = simulation.journal();
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ outcome: 'Done', summary: 'elitedesk-2, nuc-1 upgraded, 1 already so.' });
      expect(deployed(length)).toEqual(['elitedesk-2', 'nuc-1']);
      expect(versions()).toEqual([first, mended, last]);
    },
    TIMEOUT_MS,
  );

  it(
    'asks between members where the policy says so; a no leaves the rest as it is, and says what was done',
    async () => {
      simulation.setFleetFile(referenceFleetFile().replace('  upgrade:\n', '  upgrade:\n    betweenMembers: ask\n'));
      const before = versions();
      const [first] = MEMBERS.slice(0, 2).map((member) => release(simulation, member));
      const handle = await start();
      await until(handle, 'the question', ({ approval }) => approval !== undefined);
      expect((await view(handle)).approval).toMatchObject({
        id: 'next-elitedesk-2',
        question: 'Go on with elitedesk-2?',
      });
      await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: false, actor: 'Ada', reason: 'tomorrow' }] });
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({
        outcome: 'Failed',
        summary: expect.stringMatching(/Stopped after elitedesk-1: .*not approved \(Ada: tomorrow\)/) as unknown,
        failure: { type: 'NotApproved' },
        left: ['Upgraded and kept so: elitedesk-1.', 'Not touched: elitedesk-2, nuc-1.'],
      });
      expect(versions()).toEqual([first, ...before.slice(1)]);
    },
    TIMEOUT_MS,
  );

  it(
    'plans every member beside open runs and questions, under ids that no run has',
    async () => {
      simulation.setFleetFile(referenceFleetFile().replace('  upgrade:\n', '  upgrade:\n    betweenMembers: ask\n'));
      for (const member of MEMBERS) release(simulation, member);
      const before = versions();
      const real = workflowId('safe-upgrade', 'elitedesk-1');
      const pause = await pauseAt(simulation, {
        machine: 'elitedesk-1',
        tool: 'switch-to-configuration',
        args: 'switch',
      });
      const own = await fleet.start('elitedesk-1');
      await pause.reached();
      const { runId } = await own.describe();
      const plan = await viewOf(await start({ planOnly: true }, planWorkflowId('safe-upgrade', 'all', 'a-plan')));
      expect(plan.decisions).toEqual([]);
      expect((await env.client.workflow.getHandle(real).describe()).runId).toBe(runId);
      // The member whose own run is open would refuse now; the others are planned all the same.
      expect(plan.result).toMatchObject({
        outcome: 'Failed',
        unchanged: true,
        summary: 'It would stop at elitedesk-1. Nothing was changed.',
      });
      const lines = plan.steps.filter(({ member }) => member !== undefined);
      expect([...new Set(lines.map(({ member }) => member))]).toEqual(MEMBERS);
      expect(lines.filter(({ member }) => member === 'elitedesk-1').map(({ state }) => state)).toEqual(['failed']);
      const phases = lines.filter(({ member }) => member === 'nuc-1').map(({ phase }) => phase);
      expect(phases).toEqual(expect.arrayContaining(['snapshot', 'deploy', 'verify', 'roll back']));
      expect(JSON.stringify(plan.result)).not.toMatch(/upgraded/);
      pause.release();
      expect((await viewOf(own)).result?.outcome).toBe('Done');
      expect(versions().slice(1)).toEqual(before.slice(1));
    },
    TIMEOUT_MS,
  );

  it(
    'rolls the current member back when it is cancelled, and leaves the rest alone',
    async () => {
      const before = versions();
      for (const member of MEMBERS) release(simulation, member);
      const pause = await pauseAt(simulation, {
        machine: 'elitedesk-1',
        tool: 'switch-to-configuration',
        args: 'switch',
      });
      const handle = await start();
      await pause.reached();
      await handle.cancel();
      const child = env.client.workflow.getHandle(workflowId('safe-upgrade', 'elitedesk-1'));
      await eventually(
        'the child rolls back',
        async () => (await child.query<RunView>(VIEW_QUERY)).phase === 'roll back',
        60_000,
      );
      pause.release();
      expect((await viewOf(handle)).result).toMatchObject({
        outcome: 'RolledBack',
        failure: { type: 'Cancelled' },
        left: ['Not touched: elitedesk-2, nuc-1.'],
      });
      expect(versions()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it(
    "waits for a member's own run that is under way, and does not upgrade it twice",
    async () => {
      const released = release(simulation, 'elitedesk-1');
      const { length } = simulation.journal();
      const pause = await pauseAt(simulation, {
        machine: 'elitedesk-1',
        tool: 'switch-to-configuration',
        args: 'switch',
      });
      const own = await fleet.start('elitedesk-1');
      await pause.reached();
      const handle = await start();
      await until(handle, 'it has come to the member', ({ steps }) =>
        steps.some(({ id, state }) => id === 'node-elitedesk-1' && state === 'running'),
      );
      pause.release();
      expect((await viewOf(own)).result?.outcome).toBe('Done');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'AlreadySo' });
      expect(deployed(length)).toEqual(['elitedesk-1']);
      expect(systemOf(simulation, 'elitedesk-1').running).toBe(released);
    },
    TIMEOUT_MS,
  );

  it(
    'leaves out a member that is meant to be away',
    async () => {
      simulation.setFleetFile(referenceFleetFile().replace('  upgrade:\n', '  upgrade:\n    backup: warn\n'));
      const away = systemOf(simulation, 'nuc-1');
      const released = MEMBERS.map((member) => release(simulation, member));
      await simulation.power('nuc-1', 'off');
      const { result } = await viewOf(await start({ allowOffline: ['nuc-1'] }));
      await simulation.power('nuc-1', 'on');
      expect(result).toMatchObject({ outcome: 'Done', left: ['Not touched, because away: nuc-1.'] });
      expect(versions()).toEqual([...released.slice(0, 2), away.running]);
    },
    TIMEOUT_MS,
  );
});
