import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { RunView } from '../../plan/run.ts';
import { WORKER } from '../../simulator/core/call.ts';
import type { Simulation } from '../../simulator/create.ts';
import { lockWorkflowId, VIEW_QUERY } from '../../workflows/messages.ts';
import type { safeUpgrade } from '../../workflows/safe-upgrade.ts';
import { buildWorkerProgram, type WorkerProgram } from '../crash/worker-program.ts';
import { eventually } from '../hosts/eventually.ts';
import { startLocalServer, WORKFLOW_BUNDLE } from './environment.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';
import { pauseAt, release, settle } from './simulated-hands.ts';
import { overlappingDeploys, systemOf } from './simulated-world.ts';

const TIMEOUT_MS = 180_000;
const MEMBER = 'elitedesk-2';
const GUEST = 'metrics-vm';

type Handle = WorkflowHandle<typeof safeUpgrade>;

describe('runs that exclude each other, over the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let program: WorkerProgram;
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  beforeAll(async () => {
    env = await startLocalServer();
    program = await buildWorkerProgram();
    fleet = await startSimulatedFleet(env);
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(() => settle(simulation));
  afterAll(async () => {
    expect(simulation.unknown()).toEqual([]);
    await fleet.dispose();
    await program.remove();
    await env.teardown();
  }, 60_000);

  const view = (handle: Handle): Promise<RunView> => handle.query<RunView>(VIEW_QUERY);
  const waitsFor = (handle: Handle, holder: string): Promise<void> =>
    eventually(
      `${handle.workflowId} waits for ${holder}`,
      async () => (await view(handle)).waitingFor.some((lock) => lock.holder === `safe-upgrade/${holder}`),
      30_000,
    );
  const outcomes = async (...handles: Handle[]): Promise<unknown[]> =>
    Promise.all(handles.map(async (handle) => (await viewOf(handle)).result?.outcome));

  /** The nodes that were deployed to since, in the order of their first deployment. */
  function deployed(since: number): string[] {
    const targets = simulation
      .journal()
      .slice(since)
      .filter(({ tool, phase }) => tool === 'deploy' && phase === 'before')
      .map(({ args }) => /#"?([^".]+)/.exec(args.at(-1) ?? '')?.[1] ?? '');
    return [...new Set(targets)];
  }

  it(
    'refuses a second start for one node',
    async () => {
      const pause = await pauseAt(simulation, { machine: MEMBER, tool: 'zpool' });
      const first = await fleet.start(GUEST);
      await pause.reached();
      await expect(fleet.start(GUEST)).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
      pause.release();
      expect(await outcomes(first)).toEqual(['AlreadySo']);
    },
    TIMEOUT_MS,
  );

  it(
    'upgrades a member and the guests on it one after the other, in order of arrival',
    async () => {
      for (const node of ['edge-vm', 'elitedesk-1', 'home-vm']) release(simulation, node);
      const { length } = simulation.journal();
      const pause = await pauseAt(simulation, { machine: 'edge-vm', tool: 'switch-to-configuration', args: 'switch' });
      const first = await fleet.start('edge-vm');
      await pause.reached();
      const second = await fleet.start('home-vm');
      await waitsFor(second, 'edge-vm');
      const third = await fleet.start('elitedesk-1');
      await waitsFor(third, 'edge-vm');
      expect(deployed(length)).toEqual(['edge-vm']);
      pause.release();
      expect(await outcomes(first, second, third)).toEqual(['Done', 'Done', 'Done']);
      expect(deployed(length)).toEqual(['edge-vm', 'home-vm', 'elitedesk-1']);
    },
    TIMEOUT_MS,
  );

  it(
    'does not deploy while the deployment of a terminated run still copies',
    async () => {
      const version = release(simulation, MEMBER);
      const { length } = simulation.journal();
      const pause = await pauseAt(simulation, { machine: WORKER, tool: 'nix', args: '^copy' });
      const first = await fleet.start(MEMBER);
      await pause.reached();
      await first.terminate('a test');
      const second = await fleet.start(MEMBER);
      await eventually(
        'the fence on the target',
        async () => {
          const { raw } = await second.describe();
          return (raw.pendingActivities ?? []).some(({ lastFailure }) =>
            /Another deployment/.test(lastFailure?.message ?? ''),
          );
        },
        90_000,
      );
      pause.release();
      expect(await outcomes(second)).toEqual(['Done']);
      expect(deployed(length)).toEqual([MEMBER]);
      expect(overlappingDeploys(simulation.journal().slice(length), MEMBER)).toEqual([]);
      expect(systemOf(simulation, MEMBER)).toMatchObject({ profile: version, running: version });
    },
    TIMEOUT_MS,
  );

  it(
    'lets the next one in when the holder was terminated, and leaves a running activation alone',
    async () => {
      const version = release(simulation, MEMBER);
      const { length } = simulation.journal();
      const pause = await pauseAt(simulation, { machine: MEMBER, tool: 'switch-to-configuration', args: 'switch' });
      const first = await fleet.start(MEMBER);
      await pause.reached();
      const guest = await fleet.start(GUEST);
      await waitsFor(guest, MEMBER);
      await first.terminate('a test');
      // The guest's own run has nothing to do with the host's activation; one of the host itself refuses.
      expect(await outcomes(guest)).toEqual(['AlreadySo']);
      const again = await viewOf(await fleet.start(MEMBER));
      expect(again.result?.failure).toMatchObject({
        type: 'GateRefused',
        message: expect.stringMatching(/Another activation runs on elitedesk-2/) as unknown,
      });
      expect(overlappingDeploys(simulation.journal().slice(length), MEMBER)).toEqual([]);
      pause.release();
      await eventually('the activation has ended', () => systemOf(simulation, MEMBER).running === version, 30_000);
    },
    TIMEOUT_MS,
  );

  it(
    'asks again where the lock itself was terminated',
    async () => {
      const pause = await pauseAt(simulation, { machine: MEMBER, tool: 'zpool' });
      const first = await fleet.start(GUEST);
      await pause.reached();
      const second = await fleet.start(MEMBER);
      await waitsFor(second, GUEST);
      await env.client.workflow.getHandle(lockWorkflowId(`member/${MEMBER}`)).terminate('a test');
      pause.release();
      // Whether the member had anything to do depends on the tests before: that it came to its turn does not.
      for (const outcome of await outcomes(first, second)) expect(['AlreadySo', 'Done']).toContain(outcome);
    },
    TIMEOUT_MS,
  );
});

describe('runs that exclude each other, when a worker is killed', () => {
  it(
    'keeps the order of arrival',
    async () => {
      const env = await startLocalServer();
      const program = await buildWorkerProgram();
      const fleet = await startSimulatedFleet(env, { worker: false });
      const { simulation } = fleet;
      const order = {
        address: env.address,
        namespace: env.namespace ?? 'default',
        codePath: WORKFLOW_BUNDLE.codePath,
        repo: simulation.repoDir,
        stateDir: fleet.stateDir,
        path: `${simulation.binDir}:${process.env['PATH'] ?? ''}`,
      };
      let worker = await program.start(order);
      try {
        const host = release(simulation, MEMBER);
        const guest = release(simulation, GUEST);
        const pause = await pauseAt(simulation, { machine: MEMBER, tool: 'switch-to-configuration', args: 'switch' });
        const first = await fleet.start(MEMBER);
        await pause.reached();
        const second = await fleet.start(GUEST);
        await eventually(
          'the second waits',
          async () => (await second.query<RunView>(VIEW_QUERY)).waitingFor.length > 0,
          30_000,
        );
        await worker.sigkill();
        worker = await program.start(order);
        pause.release();
        expect((await viewOf(first)).result?.outcome).toBe('Done');
        // The member's run has upgraded the guest on it as well.
        expect((await viewOf(second)).result?.outcome).toBe('AlreadySo');
        for (const [node, version] of [
          [MEMBER, host],
          [GUEST, guest],
        ] as const) {
          expect(systemOf(simulation, node)).toMatchObject({ generation: 2, profile: version, running: version });
          expect(overlappingDeploys(simulation.journal(), node)).toEqual([]);
        }
        expect(simulation.unknown()).toEqual([]);
      } finally {
        await worker.sigkill();
        await fleet.dispose();
        await program.remove();
        await env.teardown();
      }
    },
    TIMEOUT_MS,
  );
});
