import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import type { Activities } from '../../activities/contract.ts';
import type { RunView } from '../../plan/run.ts';
import type { safeUpgrade } from '../../workflows/safe-upgrade.ts';
import {
  DECIDE_UPDATE,
  PAUSE_UPDATE,
  RESUME_UPDATE,
  VIEW_QUERY,
  type SafeUpgradeInput,
} from '../../workflows/messages.ts';
import { startLocalServer, WORKFLOW_BUNDLE } from './environment.ts';
import { closure, createWorld, failing, FLEET, observation, POLICY, scope, system, type World } from './fake-world.ts';
import { eventually } from '../hosts/eventually.ts';

const INPUT: SafeUpgradeInput = {
  fleet: FLEET,
  node: 'n1',
  actor: 'tester',
  allowOffline: [],
  allowOrchestrator: false,
  planOnly: false,
};

describe('safe-upgrade, as a procedure', () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await startLocalServer();
  });
  afterAll(async () => {
    await env.teardown();
  });

  /** Runs `drive` against a run in this world; no two tests share a task queue or an id. */
  async function runIn<T>(
    world: World,
    drive: (handle: WorkflowHandle<typeof safeUpgrade>) => Promise<T>,
    input: Partial<SafeUpgradeInput> = {},
  ): Promise<T> {
    const taskQueue = `test-${randomUUID()}`;
    const worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue,
      workflowBundle: WORKFLOW_BUNDLE,
      activities: { ...world.activities, ...granted() },
      maxHeartbeatThrottleInterval: '100ms',
    });
    return worker.runUntil(async () => {
      const handle = await env.client.workflow.start<typeof safeUpgrade>('safeUpgrade', {
        taskQueue,
        workflowId: `safe-upgrade/${randomUUID()}`,
        args: [{ ...INPUT, ...input }],
      });
      return drive(handle);
    });
  }

  /** The lock itself has tests of its own: here it is granted at once. */
  function granted(): Pick<Activities, 'requestLock'> {
    return {
      requestLock: async ({ resource }) => {
        const { Context } = await import('@temporalio/activity');
        const { client, info } = Context.current();
        await client.workflow
          .getHandle(info.workflowExecution?.workflowId ?? '')
          .signal('lockGranted', { resource, holder: '' });
      },
    };
  }

  const endOf = async (handle: WorkflowHandle<typeof safeUpgrade>): Promise<RunView> => {
    try {
      return await handle.result();
    } catch (error) {
      if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure)
        return error.cause.details?.[0] as RunView;
      throw error;
    }
  };
  const outcome = (view: RunView): string | undefined => view.result?.outcome;

  it('snapshots, deploys host before guest, updates containers, verifies, cleans up', async () => {
    const world = createWorld();
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('Done');
    expect(world.calls).toEqual([
      'snapshot g1',
      'snapshot volume data',
      'deploy n1 switch',
      'deploy g1 switch',
      'update g1',
      'forget jobs',
      'release images g1',
      'prune',
    ]);
    expect(view.steps.every(({ state }) => state === 'done' || state === 'already')).toBe(true);
    expect(view.result?.left.join(' ')).toMatch(
      /Snapshots runbook-\d{8}-\d{4}-[0-9a-f]{4} of g1 and 1 volume are kept until/,
    );
  });

  it('changes nothing where a gate refuses, and names every refusal', async () => {
    const world = createWorld({
      observeUpgrade: () =>
        Promise.resolve(
          observation({
            members: [
              { name: 'n1', status: 'Online', message: '', incusVersion: '6.0.4' },
              { name: 'n2', status: 'Offline', message: 'No heartbeat', problem: 'no answer' },
            ],
            pools: [{ name: 'local', driver: 'zfs', health: 'DEGRADED', usedBytes: 95, totalBytes: 100 }],
          }),
        ),
    });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('Failed');
    expect(view.result).toMatchObject({
      summary: 'Not started: 4 gates refuse. Nothing was changed.',
      unchanged: true,
      failure: { type: 'GateRefused', message: expect.stringMatching(/^n2 is Offline/) as unknown },
    });
    expect(view.steps.find(({ id }) => id === 'gates')).toMatchObject({
      state: 'failed',
      detail: expect.stringMatching(/^4 of \d+ refuse$/) as unknown,
    });
    expect(view.gates.filter(({ verdict }) => verdict === 'refused').map(({ name }) => name)).toEqual([
      'members',
      'versions',
      'pool',
      'pool',
    ]);
    expect(world.calls).toEqual([]);
  });

  it('is already so where every closure runs and there are no containers', async () => {
    const world = createWorld({
      resolveScope: () =>
        Promise.resolve(scope({ targets: scope().targets.map((t) => ({ ...t, containers: false })) })),
      buildClosure: () => Promise.resolve(closure('v1', { incusVersions: ['6.0.4'] })),
    });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('AlreadySo');
    expect(world.calls).toEqual([]);
  });

  it('removes its own snapshots again where no container had a newer image', async () => {
    const world = createWorld({
      buildClosure: () => Promise.resolve(closure('v1', { incusVersions: ['6.0.4'] })),
      updateContainers: ({ before }) => Promise.resolve(before),
    });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('AlreadySo');
    expect(world.calls).toContain('delete snapshot g1');
    expect(world.calls).toContain('delete snapshot volume data');
  });

  it('stops the ladder at the first rung that makes it healthy', async () => {
    const world = createWorld({}, { sickUntil: 'former containers g1' });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('RolledBack');
    expect(world.calls.filter((call) => call.startsWith('roll back'))).toEqual([]);
    expect(view.steps.filter(({ state }) => state === 'not needed').map(({ id }) => id)).toEqual(
      expect.arrayContaining(['undo-deploy-g1', 'undo-deploy-n1']),
    );
    expect(view.result).toMatchObject({
      summary: 'g1 runs its former containers; g1 keeps v2; n1 keeps v2. Healthy.',
      failure: { type: 'Unhealthy', message: 'g1 web: 502' },
    });
  });

  it('goes down rung by rung: containers, guest, host', async () => {
    const world = createWorld({}, { sickUntil: 'roll back n1' });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('RolledBack');
    expect(world.calls.slice(world.calls.indexOf('former containers g1'))).toEqual([
      'former containers g1',
      'roll back g1',
      'roll back n1',
      'release images g1',
      'forget jobs',
    ]);
  });

  it('asks before the snapshot is restored, and restores it on yes', async () => {
    const world = createWorld({}, { sickUntil: 'restore snapshot g1' });
    const view = await runIn(world, async (handle) => {
      await eventually(
        'it asks',
        async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'restore-g1',
        20_000,
      );
      await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'anna', reason: 'yes' }] });
      return endOf(handle);
    });
    expect(outcome(view)).toBe('RolledBack');
    expect(world.calls).toContain('restore snapshot g1');
    expect(view.decisions).toMatchObject([{ approvalId: 'restore-g1', actor: 'anna', approved: true }]);
  });

  it('is rolled back where a restored snapshot makes good what a lower rung could not', async () => {
    const world = createWorld(
      {
        resolveScope: () =>
          Promise.resolve(
            scope({ targets: scope().targets.map((target) => ({ ...target, snapshotRollback: 'automatic' })) }),
          ),
        rollBackSystem: ({ node, ...input }) =>
          node === 'g1'
            ? Promise.reject(ApplicationFailure.nonRetryable('its generation is gone', 'Unexpected'))
            : Promise.resolve({ type: 'rolled back', system: input.before }),
      },
      { sickUntil: 'restore snapshot g1' },
    );
    const { result } = await runIn(world, endOf);
    expect(result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'Unhealthy' } });
    expect(result?.summary).toContain('g1 is as in snapshot');
    expect(result?.left.join()).not.toContain('its generation is gone');
  });

  it('leaves the snapshot alone on no, and says what is left', async () => {
    const world = createWorld({}, { sickUntil: 'restore snapshot g1' });
    const view = await runIn(world, async (handle) => {
      await eventually(
        'it asks',
        async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'restore-g1',
        20_000,
      );
      await expect(
        handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: false, actor: 'anna', reason: '' }] }),
      ).rejects.toThrow();
      await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: false, actor: 'anna', reason: 'keep data' }] });
      return endOf(handle);
    });
    expect(outcome(view)).toBe('Failed');
    expect(world.calls).not.toContain('restore snapshot g1');
    expect(view.result?.left).toContain('unhealthy: g1 web: 502');
  });

  it('rolls back a deployment that failed, even where the probes hold', async () => {
    const world = createWorld({ deploySystem: failing('ActivationFailed', 'n1 did not take v2') });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('RolledBack');
    expect(world.calls).toEqual(['snapshot g1', 'snapshot volume data', 'roll back n1', 'forget jobs']);
    expect(view.result?.failure?.type).toBe('ActivationFailed');
  });

  it('says precisely what it could not undo', async () => {
    const world = createWorld(
      { rollBackContainers: failing('Unexpected', 'the engine is gone') },
      { sickUntil: 'nothing ever' },
    );
    const never = scope();
    world.activities.resolveScope = () =>
      Promise.resolve(scope({ targets: never.targets.map((t) => ({ ...t, snapshotRollback: 'never' })) }));
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('Failed');
    expect(view.result?.left[0]).toMatch(/^g1: containers: the engine is gone/);
    expect(world.calls).toContain('roll back n1');
  });

  it('drains, deploys for the next boot, restarts and restores where the policy allows a reboot', async () => {
    const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
    const world = createWorld({
      resolveScope: () => Promise.resolve(scope({ policy: { ...POLICY, reboot: 'automatic' } })),
      buildClosure: ({ node }) =>
        Promise.resolve(node === 'n1' ? closure('v2', { parts: kernel, incusVersions: ['6.0.4'] }) : closure('v2')),
    });
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('Done');
    expect(world.calls.slice(2, 7)).toEqual([
      'evacuate n1',
      'deploy n1 boot',
      'reboot n1',
      'restore n1',
      'deploy g1 switch',
    ]);
  });

  it('returns a member to service only if it took it out', async () => {
    const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
    const world = createWorld({
      resolveScope: () => Promise.resolve(scope({ policy: { ...POLICY, reboot: 'automatic' } })),
      buildClosure: ({ node }) =>
        Promise.resolve(node === 'n1' ? closure('v2', { parts: kernel, incusVersions: ['6.0.4'] }) : closure('v2')),
      evacuateMember: () => Promise.resolve('already'),
    });
    await runIn(world, endOf);
    expect(world.calls).not.toContain('restore n1');
  });

  it('restarts back into the former system where the new one booted and is unhealthy', async () => {
    const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
    const world = createWorld(
      {
        resolveScope: () => Promise.resolve(scope({ policy: { ...POLICY, reboot: 'automatic' } })),
        buildClosure: ({ node }) =>
          Promise.resolve(node === 'n1' ? closure('v2', { parts: kernel, incusVersions: ['6.0.4'] }) : closure('v2')),
      },
      { sickUntil: 'rolled back and rebooted' },
    );
    world.activities.rollBackSystem = ({ node }) => {
      world.calls.push(`roll back ${node}`);
      return Promise.resolve({
        type: 'rolled back',
        system: system('v1', { bootId: node === 'n1' ? 'boot-2' : 'boot-1' }),
      });
    };
    world.activities.reboot = ({ node, bootId }) => {
      world.calls.push(`reboot ${node} from ${bootId}`);
      if (bootId === 'boot-2') world.healthy = true;
      return Promise.resolve(system('v2', { bootId: 'boot-2' }));
    };
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('RolledBack');
    expect(world.calls).toContain('reboot n1 from boot-2');
  });

  it('waits for the approval of a reboot before anything is changed, and ends unchanged on no', async () => {
    const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
    const world = createWorld({
      buildClosure: ({ node }) =>
        Promise.resolve(node === 'n1' ? closure('v2', { parts: kernel, incusVersions: ['6.0.4'] }) : closure('v2')),
    });
    const view = await runIn(world, async (handle) => {
      await eventually(
        'it asks',
        async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'reboot',
        20_000,
      );
      expect(world.calls).toEqual([]);
      await handle.executeUpdate(DECIDE_UPDATE, {
        args: [{ approved: false, actor: 'anna', reason: 'guests are here' }],
      });
      return endOf(handle);
    });
    expect(view.result).toMatchObject({ outcome: 'Failed', unchanged: true, left: [] });
    expect(view.result?.summary).toMatch(/not approved \(anna: guests are here\).*Nothing was changed/);
    expect(world.calls).toEqual([]);
  });

  it('rolls everything back on cancel, also what was finished and healthy', async () => {
    let release = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      release = resolve;
    });
    const world = createWorld();
    world.activities.updateContainers = async () => {
      world.calls.push('update g1');
      release();
      const { Context } = await import('@temporalio/activity');
      const beat = setInterval(() => {
        Context.current().heartbeat();
      }, 50);
      try {
        return await Context.current().cancelled;
      } finally {
        clearInterval(beat);
      }
    };
    const view = await runIn(world, async (handle) => {
      await reached;
      await handle.cancel();
      return endOf(handle);
    });
    expect(outcome(view)).toBe('RolledBack');
    expect(view.result?.failure?.type).toBe('Cancelled');
    expect(world.calls.slice(-5)).toEqual([
      'former containers g1',
      'roll back g1',
      'roll back n1',
      'release images g1',
      'forget jobs',
    ]);
  });

  it('holds before its next step while paused', async () => {
    const world = createWorld();
    await runIn(world, async (handle) => {
      await handle.executeUpdate(PAUSE_UPDATE, { args: [{ actor: 'anna' }] });
      await eventually('it is paused', async () => (await handle.query<RunView>(VIEW_QUERY)).paused, 20_000);
      await handle.executeUpdate(RESUME_UPDATE, { args: [{ actor: 'anna' }] });
      expect(outcome(await endOf(handle))).toBe('Done');
    });
  });

  it('holds before it cleans up where it was paused during its last step, and not on its way back', async () => {
    const world = createWorld();
    const usual = { ...world.activities };
    let looks = 0;
    let release = (): void => undefined;
    world.activities.checkHealth = async (input) => {
      looks += 1;
      // The second look is the last step before cleaning up.
      if (looks === 2)
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      return usual.checkHealth(input);
    };
    await runIn(world, async (handle) => {
      await eventually('the last look is under way', () => looks === 2, 20_000);
      await handle.executeUpdate(PAUSE_UPDATE, { args: [{ actor: 'anna' }] });
      release();
      await eventually(
        'that step is over',
        async () => (await handle.query<RunView>(VIEW_QUERY)).steps.find(({ id }) => id === 'soak')?.state === 'done',
        20_000,
      );
      expect((await handle.query<RunView>(VIEW_QUERY)).paused).toBe(true);
      expect((await handle.describe()).status.name).toBe('RUNNING');
      expect(world.calls).not.toContain('prune');
      await handle.executeUpdate(RESUME_UPDATE, { args: [{ actor: 'anna' }] });
      const view = await endOf(handle);
      expect(outcome(view)).toBe('Done');
      expect(view.paused).toBe(false);
      expect(world.calls).toContain('prune');
    });
  });

  it('says no to a pause once it is on its way back', async () => {
    const world = createWorld({ deploySystem: failing('ActivationFailed', 'n1 did not take v2') });
    const usual = { ...world.activities };
    let goOn = (): void => undefined;
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    world.activities.rollBackSystem = async (input) => {
      await mayGoOn;
      return usual.rollBackSystem(input);
    };
    await runIn(world, async (handle) => {
      await eventually(
        'it rolls back',
        async () => (await handle.query<RunView>(VIEW_QUERY)).phase === 'roll back',
        20_000,
      );
      await expect(handle.executeUpdate(PAUSE_UPDATE, { args: [{ actor: 'anna' }] })).rejects.toMatchObject({
        cause: { message: expect.stringContaining('cannot be held any more') as unknown },
      });
      goOn();
      expect(outcome(await endOf(handle))).toBe('RolledBack');
    });
  });

  it('says that nothing was changed where it is cancelled while it asks, and is not paused at its end', async () => {
    const kernel = { kernel: 'k2', initrd: 'i2', kernelModules: 'm2' };
    const world = createWorld({
      buildClosure: ({ node }) =>
        Promise.resolve(node === 'n1' ? closure('v2', { parts: kernel, incusVersions: ['6.0.4'] }) : closure('v2')),
    });
    const view = await runIn(world, async (handle) => {
      await eventually(
        'it asks',
        async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'reboot',
        20_000,
      );
      await handle.executeUpdate(PAUSE_UPDATE, { args: [{ actor: 'anna' }] });
      await handle.cancel();
      return endOf(handle);
    });
    expect(view).toMatchObject({
      paused: false,
      result: {
        outcome: 'Failed',
        summary: 'The run was cancelled. Nothing was changed.',
        unchanged: true,
        failure: { type: 'Cancelled' },
      },
    });
  });

  it('names what an earlier attempt deployed where the next finds it done', async () => {
    const system1 = system('v1');
    const world = createWorld({
      resolveScope: () =>
        Promise.resolve(scope({ targets: scope().targets.map((t) => ({ ...t, containers: false })) })),
      observeUpgrade: () =>
        Promise.resolve(
          observation({
            targets: [
              { node: 'n1', kind: 'member', system: system('v2') },
              { node: 'g1', kind: 'guest', system: system('v2') },
            ],
          }),
        ),
    });
    const resume = { name: 'runbook-20260101-0000-abcd', evacuated: false, systems: { n1: system1 }, images: {} };
    const view = await runIn(world, endOf, { resume });
    expect(view.result).toMatchObject({ outcome: 'Done', summary: 'n1 runs v2.' });
  });

  it('restarts a member that an earlier attempt had restarted, where the next one is cancelled', async () => {
    const former = { kernel: 'k0', initrd: 'i1', kernelModules: 'm1' };
    const rebooted = system('v2', { bootId: 'boot-2' });
    const world = createWorld({
      observeUpgrade: () =>
        Promise.resolve(
          observation({
            targets: [
              { node: 'n1', kind: 'member', system: rebooted },
              { node: 'g1', kind: 'guest', system: system('v1') },
            ],
          }),
        ),
      deploySystem: failing('Cancelled', 'by hand'),
      checkHealth: () =>
        Promise.resolve({ healthy: false, findings: [{ node: 'n1', check: 'x', healthy: false, detail: 'ill' }] }),
      rollBackSystem: ({ node, mode }) => {
        world.calls.push(`roll back ${node} ${mode}`);
        return Promise.resolve({ type: 'rolled back', system: rebooted });
      },
    });
    const systems = { n1: system('v1', { booted: former }) };
    await runIn(world, endOf, {
      resume: { name: 'runbook-20260101-0000-abcd', evacuated: false, systems, images: {} },
    });
    const way = world.calls.filter((call) => /^(?:roll back|reboot)/.test(call));
    expect(way).toEqual(['roll back g1 switch', 'roll back n1 boot', 'reboot n1']);
  });

  it('keeps the lines of a message that has several, and says them once', async () => {
    const message = 'runbook.yaml:2:3  error  Expected an address\n   2 |   address: x\n     |            ^';
    const view = await runIn(createWorld({ resolveScope: failing('BadConfig', message) }), endOf);
    expect(view.result).toMatchObject({ summary: 'Nothing was changed.', failure: { message } });
    expect(view.steps.map(({ detail }) => detail)).toEqual(['runbook.yaml:2:3  error  Expected an address']);
  });

  it('only plans where it is asked to plan', async () => {
    const world = createWorld();
    const view = await runIn(world, endOf, { planOnly: true });
    expect(view.result?.summary).toBe('Nothing was changed.');
    expect(world.calls).toEqual([]);
    expect(
      view.steps.filter(({ state }) => state === 'pending' || state === 'not needed').map(({ id }) => id),
    ).toContain('deploy-n1');
    expect(view.steps.filter(({ state }) => state === 'pending').map(({ title, detail }) => [title, detail])).toEqual([
      ['g1 and 1 volume', 'kept 7 days'],
      ['host v1 → v2', 'no reboot · Incus stays 6.0.4 · restarts caddy.service'],
      ['g1 v1 → v2', 'restarts caddy.service'],
      ['g1: containers', undefined],
      ['2 probes, cluster, units', 'then 1 s of quiet'],
      ['snapshots of earlier runs', 'but for the last 3'],
      ['if it fails: containers → guests → host → snapshots (g1: asks first)', undefined],
    ]);
    expect(view.steps.at(-1)).toMatchObject({
      phase: 'roll back',
      title: 'if it fails: containers → guests → host → snapshots (g1: asks first)',
    });
  });

  it('does not count against the upgrade what was unhealthy before it', async () => {
    const world = createWorld({
      observeUpgrade: () =>
        Promise.resolve(observation({ health: [{ node: 'g1', check: 'web', healthy: false, detail: '502' }] })),
    });
    world.healthy = false;
    const view = await runIn(world, endOf);
    expect(outcome(view)).toBe('Done');
  });

  it('goes on under the same name where an earlier attempt stopped, with the same way back', async () => {
    const first = await runIn(
      createWorld({
        updateContainers: failing('PullFailed', 'the registry is away'),
        rollBackContainers: failing('Unexpected', 'the engine is gone'),
      }),
      endOf,
    );
    expect(outcome(first)).toBe('Failed');
    expect(first.resume).toMatchObject({ name: first.name, images: { g1: [{ imageId: 'old' }] } });

    const world = createWorld(
      {
        observeUpgrade: () =>
          Promise.resolve(
            observation({
              targets: [
                { node: 'n1', kind: 'member', system: system('v2') },
                { node: 'g1', kind: 'guest', system: system('v2') },
              ],
            }),
          ),
      },
      { sickUntil: 'roll back n1' },
    );
    const origins: string[] = [];
    world.activities.rollBackSystem = ({ node, before }) => {
      world.calls.push(`roll back ${node}`);
      if (node === 'n1') world.healthy = true;
      origins.push(`${node} to ${before.nixosVersion}`);
      return Promise.resolve({ type: 'rolled back', system: before });
    };
    let named = '';
    world.activities.snapshotInstance = ({ snapshot }) => {
      named = snapshot;
      return Promise.resolve('already there');
    };
    if (!first.resume) throw new Error('the first attempt left nothing to go on from');
    const second = await runIn(world, endOf, { resume: first.resume });
    expect(second.name).toBe(first.name);
    expect(named).toBe(first.name);
    expect(world.calls.filter((call) => call.startsWith('deploy'))).toEqual([]);
    expect(outcome(second)).toBe('RolledBack');
    expect(origins).toEqual(['g1 to v1', 'n1 to v1']);
  });
});
