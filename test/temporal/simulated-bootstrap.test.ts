import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { clusterBootstrap } from '../../workflows/cluster-bootstrap.ts';
import { eventually } from '../hosts/eventually.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { Simulation } from '../../simulator/create.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const MEMBERS = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];

describe('cluster-bootstrap over bare hosts', () => {
  const { env, simulation } = aSimulatedFleet({ bare: true });

  const start = (planOnly = false): Promise<WorkflowHandle<typeof clusterBootstrap>> =>
    env().client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('cluster-bootstrap', 'all'),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly }],
    });
  /** How long it waits for a member that is away. */
  const waitingFor = (time: string): void => {
    simulation().setFleetFile(referenceFleetFile().replace('cluster:\n', `cluster:\n  waitForMembers: ${time}\n`));
  };
  /** Starts it and stops at a moment: before the command that the fault names. */
  const startUntil = async (fault: Parameters<Simulation['addFault']>[0]): Promise<[WorkflowHandle, string]> => {
    const id = await simulation().addFault({ times: 1, ...fault });
    const handle = await start();
    await eventually('it is there', () => simulation().isPaused(id), 120_000);
    return [handle, id];
  };
  /** What Temporal says of the attempts of the step that is tried again. */
  const lastFailure = async (handle: WorkflowHandle): Promise<string> => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).map(({ lastFailure: last }) => last?.message ?? '').join();
  };
  const bootstrap = async (planOnly = false): Promise<RunView> => viewOf(await start(planOnly));
  const clustered = (): string[] => Object.keys(simulation().readState().cluster.members).sort();

  it(
    'forms what the fleet file declares, and has nothing to do the second time',
    async () => {
      const view = await bootstrap();
      expect(view.result).toMatchObject({
        outcome: 'Done',
        summary: 'elitedesk-1, elitedesk-2, nuc-1 are one cluster.',
        left: [],
      });
      expect(clustered()).toEqual(MEMBERS);
      expect(simulation().readState().cluster.instances).toEqual({});
      const { length } = simulation().journal();
      expect((await bootstrap()).result).toMatchObject({ outcome: 'AlreadySo' });
      expect(changingCommands(simulation().journal().slice(length))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'says what it would do, and changes nothing',
    async () => {
      const view = await bootstrap(true);
      expect(view.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(view.steps.filter(({ state }) => state === 'pending').map(({ title }) => title)).toEqual(
        expect.arrayContaining(['elitedesk-1 becomes the first member', 'elitedesk-2 joins', 'nuc-1 joins']),
      );
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where a member cannot be reached or has something in the place of a pool, all at once',
    async () => {
      await simulation().power('nuc-1', 'off');
      await simulation().store.update((state) => {
        const { datasets } = state.machines['elitedesk-2'] as (typeof state.machines)[string];
        datasets['zpool/incus/photos'] = { snapshots: {} };
      });
      const { result } = await bootstrap();
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain('nuc-1 could not be read');
      expect(result?.failure?.message).toContain('zpool/incus on elitedesk-2 is not empty: it has zpool/incus/photos.');
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it.each(['pools', 'accept'])(
    'takes an interrupted join back and lets the member join anew: power lost after its %s',
    async (phase) => {
      const fault = await simulation().addFault({
        machine: 'nuc-1',
        tool: '.incus-joins',
        args: phase,
        when: 'after',
        times: 1,
        effect: { type: 'pause' },
      });
      const handle = await start();
      await eventually('it joins', () => simulation().isPaused(fault), 120_000);
      await simulation().power('nuc-1', 'off');
      await simulation().power('nuc-1', 'on');
      const view = await viewOf(handle);
      expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
      expect(view.steps.find(({ id }) => id === 'join-nuc-1')?.detail).toBe('an interrupted join was taken back first');
      expect(clustered()).toEqual(MEMBERS);
    },
    TIMEOUT_MS,
  );

  it(
    'goes on from where a cancelled run stopped',
    async () => {
      const fault = await simulation().addFault({
        tool: 'incus',
        args: 'cluster add',
        when: 'before',
        skip: 1,
        times: 1,
        effect: { type: 'pause' },
      });
      const handle = await start();
      await eventually('the second join', () => simulation().isPaused(fault), 120_000);
      await handle.cancel();
      const { result } = await viewOf(handle);
      expect(result?.outcome).toBe('Failed');
      expect(result?.left.join(' ')).toContain('done, and it stays: elitedesk-1 listens on port 8443');
      simulation().releasePause(fault);
      expect((await bootstrap()).result).toMatchObject({ outcome: 'Done' });
      expect(clustered()).toEqual(MEMBERS);
    },
    TIMEOUT_MS,
  );

  it(
    'waits for a member that is away when it is to join, says which, and goes on when it is back',
    async () => {
      const [handle, fault] = await startUntil({
        tool: 'incus',
        args: 'cluster add',
        skip: 1,
        effect: { type: 'pause' },
      });
      await simulation().power('nuc-1', 'off');
      simulation().releasePause(fault);
      await eventually('it waits', async () => /nuc-1/.test(await lastFailure(handle)), 60_000);
      await simulation().power('nuc-1', 'on');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done', left: [] });
      expect(clustered()).toEqual(MEMBERS);
    },
    TIMEOUT_MS,
  );

  it(
    'waits for the first member where that is lost right after it was formed',
    async () => {
      const [handle, fault] = await startUntil({
        ...{ machine: 'elitedesk-2', tool: 'incus', args: 'admin init', effect: { type: 'pause' } },
      });
      await simulation().power('elitedesk-1', 'off');
      simulation().releasePause(fault);
      await eventually('it waits', async () => /elitedesk-1/.test(await lastFailure(handle)), 60_000);
      await simulation().power('elitedesk-1', 'on');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done', left: [] });
      expect(clustered()).toEqual(MEMBERS);
    },
    TIMEOUT_MS,
  );

  it(
    'goes on with the next where one that has joined is lost, and waits for it before it is done',
    async () => {
      const [handle, fault] = await startUntil({
        tool: 'incus',
        args: 'cluster add',
        skip: 1,
        effect: { type: 'pause' },
      });
      await simulation().power('elitedesk-2', 'off');
      simulation().releasePause(fault);
      await eventually('it waits', async () => /elitedesk-2/.test(await lastFailure(handle)), 60_000);
      expect(clustered()).toEqual(MEMBERS);
      await simulation().power('elitedesk-2', 'on');
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done', left: [] });
    },
    TIMEOUT_MS,
  );

  it(
    'ends after the declared time, says what is done, what is not and what is half-way, and goes on when it is started again',
    async () => {
      waitingFor('20s');
      const [handle, fault] = await startUntil({
        ...{ machine: 'nuc-1', tool: '.incus-joins', args: 'accept', when: 'after', effect: { type: 'pause' } },
      });
      await simulation().power('nuc-1', 'off');
      simulation().releasePause(fault);
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed' });
      expect(result?.unchanged).toBeUndefined();
      expect(result?.summary).toContain('nuc-1');
      expect(result?.failure?.whatToDo).toContain('It was tried for 20 s. Bring back what is named');
      const left = result?.left.join('\n') ?? '';
      expect(left).toMatch(/^done, and it stays: .*elitedesk-2 joins$/m);
      expect(left).toMatch(/^not done: nuc-1 joins; /m);
      expect(left).toMatch(/^nuc-1 does not answer, and may be in the middle of its join/m);
      waitingFor('6h');
      await simulation().power('nuc-1', 'on');
      expect((await bootstrap()).result).toMatchObject({ outcome: 'Done', left: [] });
      expect(clustered()).toEqual(MEMBERS);
    },
    TIMEOUT_MS,
  );

  it(
    'tries what an earlier run has not tried',
    async () => {
      const [handle] = await startUntil({ tool: 'incus', args: 'launch', effect: { type: 'pause' } });
      await handle.cancel();
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Failed' });
      expect(clustered()).toEqual(MEMBERS);
      const { length } = simulation().journal();
      const view = await bootstrap();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const launched = simulation()
        .journal()
        .slice(length)
        .filter(({ tool, args, phase }) => tool === 'incus' && args[0] === 'launch' && phase === 'after');
      expect(launched.map(({ args }) => args[args.indexOf('--target') + 1])).toEqual(MEMBERS);
      expect((await bootstrap()).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'says what somebody has set otherwise, as often as it is started, and leaves it',
    async () => {
      expect((await bootstrap()).result).toMatchObject({ outcome: 'Done', left: [] });
      await simulation().store.update(({ cluster }) => {
        Object.assign(cluster.profiles['default']?.config ?? {}, { 'cluster.evacuate': 'auto' });
        Object.assign(cluster.networks['incusbr0']?.config ?? {}, { 'ipv4.nat': 'false' });
      });
      const { length } = simulation().journal();
      const message =
        'The cluster is not as declared: network incusbr0: ipv4.nat is false, declared is true; profile default: cluster.evacuate is auto, declared is stop.';
      expect((await bootstrap()).result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { message } });
      expect(changingCommands(simulation().journal().slice(length))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
