import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RunView } from '../../plan/run.ts';
import { WORKER } from '../../simulator/core/call.ts';
import type { JournalEntry } from '../../simulator/core/journal.ts';
import type { Simulation } from '../../simulator/create.ts';
import { programsOf } from '../../simulator/hosts/processes.ts';
import { closureOf, readFlake, type NodeSpec } from '../../simulator/nix/flake.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { DECIDE_UPDATE, VIEW_QUERY } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';
import {
  copyDamaged,
  digestsOf,
  healthOf,
  machineOf,
  pauseAt,
  release,
  releaseForNextBoot,
  settle,
  snapshotsOf,
  volumeSnapshotsOf,
} from './simulated-hands.ts';
import { changingCommands, systemOf } from './simulated-world.ts';

const TIMEOUT_MS = 120_000;
const MEMBER = 'elitedesk-2';
const GUEST = 'metrics-vm';
const IMAGE = 'registry.example/prometheus:stable';

describe('safe-upgrade over the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  beforeAll(async () => {
    env = await startLocalServer();
    fleet = await startSimulatedFleet(env);
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(() => settle(simulation));
  afterAll(async () => {
    expect(simulation.unknown()).toEqual([]);
    await fleet.dispose();
    await env.teardown();
  }, 60_000);

  const outcome = ({ result }: RunView): string => `${result?.outcome ?? ''} ${result?.failure?.type ?? ''}`.trim();

  /** Runs an upgrade that has to leave member and guest as they were, and well. */
  async function rolledBack(node: string): Promise<RunView> {
    const former = [systemOf(simulation, MEMBER), systemOf(simulation, GUEST), digestsOf(simulation, GUEST)];
    const view = await fleet.upgrade(node);
    expect(view.result?.outcome).toBe('RolledBack');
    expect([systemOf(simulation, MEMBER), systemOf(simulation, GUEST), digestsOf(simulation, GUEST)]).toEqual(former);
    expect(healthOf(simulation, GUEST)).toBe(200);
    return view;
  }

  it(
    'upgrades a member with its guests, with snapshots of all on it, and leaves nothing else behind',
    async () => {
      const host = release(simulation, 'elitedesk-1');
      const guest = release(simulation, 'edge-vm');
      const digest = await simulation.publishImage('registry.example/caddy:stable', { healthy: true });
      const view = await fleet.upgrade('elitedesk-1');
      expect(outcome(view)).toBe('Done');
      expect(systemOf(simulation, 'elitedesk-1')).toEqual({
        generation: 2,
        profile: host,
        running: host,
        bootDefault: host,
      });
      expect(systemOf(simulation, 'edge-vm')).toEqual({
        generation: 2,
        profile: guest,
        running: guest,
        bootDefault: guest,
      });
      expect(digestsOf(simulation, 'edge-vm')['caddy']).toBe(digest);
      for (const name of ['edge-vm', 'home-vm']) {
        expect(snapshotsOf(simulation, name)).toEqual([view.name]);
        expect(healthOf(simulation, name)).toBe(200);
      }
      for (const volume of ['edge-data', 'home-data'])
        expect(volumeSnapshotsOf(simulation, volume)).toEqual([view.name]);
      expect(snapshotsOf(simulation, GUEST)).toEqual([]);
      const expiry = simulation.readState().cluster.instances['edge-vm']?.snapshots[view.name]?.expiresAt ?? '';
      expect(Date.parse(expiry) - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
      // The name that keeps a former image for a rollback is gone, and so are the records of jobs.
      const images = Object.keys(machineOf(simulation.readState(), 'edge-vm').images);
      expect(images.filter((name) => name.includes('runbook'))).toEqual([]);
      expect(readdirSync(join(fleet.stateDir, 'jobs')).filter((name) => name.startsWith('runbook-'))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'upgrades a guest alone',
    async () => {
      const host = systemOf(simulation, MEMBER);
      const version = release(simulation, GUEST);
      const view = await fleet.upgrade(GUEST);
      expect(outcome(view)).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version });
      expect(systemOf(simulation, MEMBER)).toEqual(host);
      expect(snapshotsOf(simulation, GUEST)).toEqual([view.name]);
    },
    TIMEOUT_MS,
  );

  it(
    'copies again what an earlier copy has left damaged',
    async () => {
      const version = release(simulation, GUEST, { kernel: '6.12.9' });
      const kernel = copyDamaged(simulation, GUEST);
      const view = await fleet.upgrade(GUEST);
      expect(outcome(view)).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version });
      expect(readFileSync(kernel, 'utf8')).not.toBe('');
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing where everything is already so',
    async () => {
      const { length } = simulation.journal();
      expect(outcome(await fleet.upgrade('nuc-1'))).toBe('AlreadySo');
      expect(changingCommands(simulation.journal().slice(length))).toEqual([]);
      const snapshots = snapshotsOf(simulation, GUEST);
      const { containers } = machineOf(simulation.readState(), GUEST);
      expect(outcome(await fleet.upgrade(GUEST))).toBe('AlreadySo');
      expect(machineOf(simulation.readState(), GUEST).containers).toEqual(containers);
      expect(snapshotsOf(simulation, GUEST)).toEqual(snapshots);
    },
    TIMEOUT_MS,
  );

  it(
    'brings containers back by digest where the new images are ill',
    async () => {
      const former = machineOf(simulation.readState(), GUEST).images[IMAGE];
      const ill = await simulation.publishImage(IMAGE, { healthy: false });
      const { result } = await rolledBack(GUEST);
      expect(result?.failure).toMatchObject({ type: 'Unhealthy', message: expect.stringMatching(/502/) as unknown });
      expect(machineOf(simulation.readState(), GUEST).images[IMAGE]).toBe(former);
      expect(former).not.toBe(ill);
    },
    TIMEOUT_MS,
  );

  it(
    'brings a guest back whose release is ill',
    async () => {
      release(simulation, GUEST, { breaks: [GUEST] });
      expect(outcome(await rolledBack(GUEST))).toBe('RolledBack Unhealthy');
    },
    TIMEOUT_MS,
  );

  it(
    'brings a host back whose release makes a guest ill',
    async () => {
      release(simulation, MEMBER, { breaks: [GUEST] });
      expect(outcome(await rolledBack(MEMBER))).toBe('RolledBack Unhealthy');
    },
    TIMEOUT_MS,
  );

  it.each<[string, NodeSpec['activation'] & object]>([
    ['ends with 1', { exitCode: 1 }],
    ['ends with 100', { exitCode: 100 }],
    ['leaves a unit failed', { failedUnits: ['prometheus-node-exporter.service'] }],
  ])(
    'goes back where an activation %s',
    async (_, activation) => {
      release(simulation, GUEST, { activation });
      expect(outcome(await rolledBack(GUEST))).toBe('RolledBack ActivationFailed');
      expect(machineOf(simulation.readState(), GUEST).units['prometheus-node-exporter.service']?.active).toBe('active');
    },
    TIMEOUT_MS,
  );

  it(
    'activates nothing, there or back, where the copy fails',
    async () => {
      release(simulation, GUEST);
      const stderr = 'error: writing to file: No space left on device';
      const effect = { type: 'fail', exitCode: 1, stderr } as const;
      await simulation.addFault({ machine: 'worker', tool: 'nix', args: '^copy', times: 1, effect });
      const { length } = simulation.journal();
      const view = await rolledBack(GUEST);
      expect(outcome(view)).toBe('RolledBack CopyFailed');
      expect(view.result?.failure?.message).toContain(stderr);
      expect(view.steps.find(({ id }) => id === `undo-deploy-${GUEST}`)?.state).toBe('already');
      expect(activationsOf(GUEST, length)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'takes a failed activation for one, also where the way back of deploy-rs dies half-way',
    async () => {
      release(simulation, GUEST, { activation: { exitCode: 1 } });
      const effect = { type: 'fail', exitCode: 1, stderr: '' } as const;
      await simulation.addFault({ machine: GUEST, tool: 'nix-env', args: '--rollback', times: 1, effect });
      const { length } = simulation.journal();
      expect(outcome(await rolledBack(GUEST))).toBe('RolledBack ActivationFailed');
      expect(activationsOf(GUEST, length)).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  it.each([['cuts off'], ['stops sshd']] as const)(
    'lets the host go back by itself where a release %s',
    async (network) => {
      release(simulation, MEMBER, { activation: { network } });
      expect(outcome(await rolledBack(MEMBER))).toBe('RolledBack MagicRollback');
      // deploy-rs leaves its canary; the same release would take that for its own confirmation.
      const version = release(simulation, MEMBER);
      expect(outcome(await fleet.upgrade(MEMBER))).toBe('Done');
      expect(systemOf(simulation, MEMBER).running).toBe(version);
    },
    TIMEOUT_MS,
  );

  it.each<[string, string, NodeSpec['activation'] & object, boolean]>([
    ['the release cuts the host off', 'MagicRollback', { network: 'cuts off' }, false],
    ['that itself cannot be activated', 'ActivationFailed', { exitCode: 1 }, true],
  ])(
    'keeps what was set for the next boot, and what runs, where %s',
    async (_, failure, activation, itself) => {
      const pending = releaseForNextBoot(simulation, MEMBER, itself ? { activation } : {});
      const { running } = systemOf(simulation, MEMBER);
      if (!itself) release(simulation, MEMBER, { activation });
      const view = await rolledBack(MEMBER);
      expect(outcome(view)).toBe(`RolledBack ${failure}`);
      expect(view.result?.summary).toContain(`${MEMBER} runs ${running}`);
      expect(systemOf(simulation, MEMBER)).toMatchObject({ profile: pending, running, bootDefault: pending });
    },
    TIMEOUT_MS,
  );

  it(
    'is not deceived by the canary of an earlier deployment',
    async () => {
      const version = release(simulation, MEMBER);
      const { nodes } = readFlake({ repository: simulation.repoDir, revision: undefined, attribute: [], text: '' });
      const [hash = ''] = basename(closureOf(MEMBER, nodes[MEMBER] as NodeSpec).path).split('-');
      const canary = join(simulation.store.root(MEMBER), 'tmp', `deploy-rs-canary-${hash}`);
      writeFileSync(canary, '');
      expect(outcome(await fleet.upgrade(MEMBER))).toBe('Done');
      expect(systemOf(simulation, MEMBER)).toMatchObject({ profile: version, running: version });
      expect(existsSync(canary)).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    'comes to one system where the client was killed while the activation printed',
    async () => {
      const version = release(simulation, GUEST);
      const pause = await pauseAt(simulation, { machine: GUEST, tool: 'switch-to-configuration', args: 'switch' });
      const handle = await fleet.start(GUEST);
      await pause.reached();
      const clients = programsOf(simulation.dir, WORKER).filter(({ command }) => /^\S*deploy /.test(command));
      expect(clients).toHaveLength(1);
      for (const { pid } of clients) process.kill(pid, 'SIGKILL');
      pause.release();
      expect(outcome(await viewOf(handle))).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version, bootDefault: version });
      expect(healthOf(simulation, GUEST)).toBe(200);
    },
    TIMEOUT_MS,
  );

  it(
    'asks again where incus exec loses what was said in a guest',
    async () => {
      const version = release(simulation, GUEST);
      const effect = { type: 'fail', exitCode: 0, stderr: '' } as const;
      const lost = { machine: MEMBER, tool: 'incus', args: `exec .*${GUEST}.*readlink`, times: 1, effect };
      // Once while it is observed, once while it is deployed.
      await simulation.addFault(lost);
      await simulation.addFault({ ...lost, skip: 1 });
      expect(outcome(await fleet.upgrade(GUEST))).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version });
      // The second has counted the call that it let pass.
      expect(
        simulation
          .readState()
          .faults.slice(-2)
          .map(({ struck }) => struck),
      ).toEqual([1, 2]);
    },
    TIMEOUT_MS,
  );

  it(
    'believes no system whose activation was cut in the middle together with its way back',
    async () => {
      const version = release(simulation, GUEST, { activation: { seconds: 3 } });
      await simulation.store.update((state) => {
        state.pace = 1;
      });
      const { length } = simulation.journal();
      const handle = await fleet.start(GUEST);
      const jobs = join(fleet.stateDir, 'jobs');
      const printed = (): boolean =>
        (existsSync(jobs) ? readdirSync(jobs) : [])
          .flatMap((name) => [join(jobs, name, 'stdout'), join(jobs, name, 'stderr')])
          .some((file) => existsSync(file) && readFileSync(file, 'utf8').includes('activating the'));
      await eventually('the activation prints', printed, 60_000);
      for (const { pid } of programsOf(simulation.dir, WORKER)) process.kill(pid, 'SIGKILL');
      const isCut = (): boolean => {
        const { profile, running } = systemOf(simulation, GUEST);
        return profile === version && running === version;
      };
      await eventually('the new system is there, half done', isCut, 60_000);
      await simulation.store.update((state) => {
        state.pace = 0;
      });
      expect(outcome(await viewOf(handle))).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version, bootDefault: version });
      expect(activationsOf(GUEST, length)).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  function activationsOf(node: string, since: number): JournalEntry[] {
    return simulation
      .journal()
      .slice(since)
      .filter(({ machine, phase, args }) => machine === node && phase === 'before' && args[0] === 'switch');
  }

  it(
    'goes back before it goes on where client and activation were lost without a trace',
    async () => {
      const version = release(simulation, GUEST);
      const { length } = simulation.journal();
      const pause = await pauseAt(simulation, { machine: GUEST, tool: 'switch-to-configuration', args: 'switch' });
      const handle = await fleet.start(GUEST);
      await pause.reached();
      rmSync(join(fleet.stateDir, 'jobs'), { recursive: true });
      for (const machine of [WORKER, GUEST])
        for (const { pid } of programsOf(simulation.dir, machine)) process.kill(pid, 'SIGKILL');
      const lost = systemOf(simulation, GUEST);
      expect(lost.profile).toBe(version);
      expect(lost.running).not.toBe(version);
      expect(outcome(await viewOf(handle))).toBe('Done');
      expect(systemOf(simulation, GUEST)).toMatchObject({ profile: version, running: version, bootDefault: version });
      expect(activationsOf(GUEST, length)).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  it(
    'restarts a member for a new kernel, with its guests stopped meanwhile',
    async () => {
      const version = release(simulation, MEMBER, { kernel: '6.12.2' });
      const { bootId } = machineOf(simulation.readState(), MEMBER);
      const { length } = simulation.journal();
      expect(outcome(await fleet.upgrade(MEMBER))).toBe('Done');
      expect(systemOf(simulation, MEMBER)).toMatchObject({ profile: version, running: version });
      expect(machineOf(simulation.readState(), MEMBER).bootId).not.toBe(bootId);
      const verbs = simulation
        .journal()
        .slice(length)
        .filter(({ phase }) => phase === 'before')
        .flatMap(({ args }) => args.find((word) => ['evacuate', '--boot', 'reboot', 'restore'].includes(word)) ?? []);
      expect([...new Set(verbs)]).toEqual(['evacuate', '--boot', 'reboot', 'restore']);
      expectInService();
    },
    TIMEOUT_MS,
  );

  it(
    'restarts a member back where the new kernel is of no good',
    async () => {
      release(simulation, MEMBER, { kernel: '6.12.3', breaks: [GUEST] });
      const { bootId } = machineOf(simulation.readState(), MEMBER);
      expect(outcome(await rolledBack(MEMBER))).toBe('RolledBack Unhealthy');
      expect(machineOf(simulation.readState(), MEMBER).bootId).not.toBe(bootId);
      expectInService();
    },
    TIMEOUT_MS,
  );

  function expectInService(): void {
    const { members, instances } = simulation.readState().cluster;
    expect(members[MEMBER]).toMatchObject({ evacuated: false, stoppedByEvacuation: [] });
    expect(instances[GUEST]?.status).toBe('Running');
    expect(healthOf(simulation, GUEST)).toBe(200);
  }

  it(
    'leaves a member alone that somebody else has taken out of service',
    async () => {
      await simulation.store.update(({ cluster }) => Object.assign(cluster.members[MEMBER] ?? {}, { evacuated: true }));
      release(simulation, MEMBER);
      const { length } = simulation.journal();
      const view = await fleet.upgrade(MEMBER);
      expect(outcome(view)).toBe('Failed GateRefused');
      expect(view.result?.failure?.message).toMatch(/elitedesk-2 is Evacuated/);
      expect(changingCommands(simulation.journal().slice(length))).toEqual([]);
      expect(simulation.readState().cluster.members[MEMBER]?.evacuated).toBe(true);
      await simulation.store.update(({ cluster }) =>
        Object.assign(cluster.members[MEMBER] ?? {}, { evacuated: false }),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'waits for a host that lost its power in the middle of the deployment, and goes on when it is back',
    async () => {
      const version = release(simulation, MEMBER);
      const pause = await pauseAt(simulation, { machine: MEMBER, tool: 'switch-to-configuration', args: 'switch' });
      const handle = await fleet.start(MEMBER);
      await pause.reached();
      await simulation.power(MEMBER, 'off');
      await eventually(
        'the run waits for the host',
        async () => {
          const { raw } = await handle.describe();
          return (raw.pendingActivities ?? []).some(({ lastFailure }) =>
            /No route to host/.test(lastFailure?.message ?? ''),
          );
        },
        60_000,
      );
      await simulation.power(MEMBER, 'on');
      expect(outcome(await viewOf(handle))).toBe('Done');
      expect(systemOf(simulation, MEMBER)).toMatchObject({ profile: version, running: version, bootDefault: version });
      expectInService();
    },
    TIMEOUT_MS,
  );

  it(
    'rolls back where the registry is away',
    async () => {
      release(simulation, GUEST);
      const stderr =
        'Error: initializing source docker://registry.example/loki:stable: pinging container registry: connection refused';
      await simulation.addFault({
        machine: GUEST,
        tool: 'podman',
        args: '^pull',
        effect: { type: 'fail', exitCode: 125, stderr },
      });
      const view = await fleet.upgrade(GUEST);
      expect(view.result?.failure).toMatchObject({
        type: 'PullFailed',
        message: expect.stringMatching(/connection refused/) as unknown,
      });
      expect(view.result?.outcome).toBe('RolledBack');
      expect(healthOf(simulation, GUEST)).toBe(200);
    },
    TIMEOUT_MS,
  );

  describe('where the data of a guest is broken by the release', () => {
    /** Runs an upgrade whose release ruins what only a snapshot brings back. */
    async function ruined(snapshot: string, decide?: boolean): Promise<RunView> {
      const file = referenceFleetFile().replace(
        '  metrics-vm:\n',
        `  metrics-vm:\n    rollback: { snapshot: ${snapshot} }\n`,
      );
      simulation.setFleetFile(file);
      release(simulation, GUEST);
      const pause = await pauseAt(simulation, { machine: GUEST, tool: 'podman', args: '^pull' });
      const handle = await fleet.start(GUEST);
      await pause.reached();
      await simulation.store.update(({ machines, cluster }) => {
        machines[GUEST]?.endpoints[0]?.units.push('migration.service');
        Object.assign(cluster.volumes['zpool/metrics-data'] ?? {}, { content: 'ruined' });
      });
      pause.release();
      if (decide !== undefined) {
        const approval = await waitForApproval(handle);
        expect(approval).toMatchObject({
          id: `restore-${GUEST}`,
          question: expect.stringMatching(/still unhealthy/) as unknown,
        });
        await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: decide, actor: 'Ada', reason: 'because' }] });
      }
      return viewOf(handle);
    }
    const content = (): string | undefined => simulation.readState().cluster.volumes['zpool/metrics-data']?.content;
    async function mend(): Promise<void> {
      await simulation.store.update(({ machines, cluster }) => {
        const [endpoint] = machines[GUEST]?.endpoints ?? [];
        if (endpoint) endpoint.units = [];
        Object.assign(cluster.volumes['zpool/metrics-data'] ?? {}, { content: 'as created' });
      });
    }

    it.each([
      ['automatic', undefined],
      ['ask', true],
    ])(
      'restores its snapshot where the policy is %s',
      async (policy, decision) => {
        const former = systemOf(simulation, GUEST);
        const view = await ruined(policy, decision);
        expect(outcome(view)).toBe('RolledBack Unhealthy');
        expect(content()).toBe('as created');
        expect(healthOf(simulation, GUEST)).toBe(200);
        expect(systemOf(simulation, GUEST)).toEqual(former);
      },
      TIMEOUT_MS,
    );

    it.each([
      ['never', undefined],
      ['ask', false],
    ])(
      'keeps its snapshot and says so where the policy is %s and nobody wants it',
      async (policy, decision) => {
        const view = await ruined(policy, decision);
        expect(outcome(view)).toBe('Failed Unhealthy');
        expect(content()).toBe('ruined');
        expect(snapshotsOf(simulation, GUEST)).toContain(view.name);
        expect(view.result?.left.join('\n')).toMatch(
          new RegExp(`unhealthy: metrics-vm .*502.*Snapshots ${view.name} of metrics-vm`, 's'),
        );
        await mend();
      },
      TIMEOUT_MS,
    );
  });

  it(
    'prunes snapshots of earlier runs down to the policy, and touches no others',
    async () => {
      const earlier = [1, 2, 3, 4, 5].map((day) => `runbook-2026010${day}-0214-3f9c`);
      const byHand = 'runbook-20260101-0214-0000';
      const others = ['nightly', 'runbook-by-hand', 'runbook-20260101-0214-3f9c-copy', byHand];
      const createdAt = new Date().toISOString();
      const weekOn = new Date(Date.now() + 7 * 86_400_000).toISOString();
      await simulation.store.update(({ cluster }) => {
        const instance = cluster.instances[GUEST];
        const volume = cluster.volumes['zpool/metrics-data'];
        for (const name of [...earlier, ...others]) {
          const made = { createdAt, expiresAt: name === byHand ? '0001-01-01T00:00:00Z' : weekOn };
          if (instance)
            instance.snapshots[name] = { ...made, content: '', config: {}, devices: {}, machine: undefined };
          if (volume) volume.snapshots[name] = { ...made, content: '' };
        }
      });
      const before = snapshotsOf(simulation, GUEST).filter((name) => !earlier.includes(name) && !others.includes(name));
      release(simulation, GUEST);
      const view = await fleet.upgrade(GUEST);
      expect(outcome(view)).toBe('Done');
      const runs = [...earlier, ...before].sort().slice(-3);
      expect(snapshotsOf(simulation, GUEST)).toEqual([...others, ...runs, view.name].sort());
      expect(volumeSnapshotsOf(simulation, 'metrics-data')).toEqual([...others, ...runs, view.name].sort());
    },
    TIMEOUT_MS,
  );

  it.each([
    // Nothing was changed yet.
    ['gate', 'Failed', { machine: MEMBER, tool: 'zpool' }],
    ['snapshot', 'RolledBack', { machine: MEMBER, tool: 'incus', args: 'POST.*snapshots' }],
    ['deploy', 'RolledBack', { machine: GUEST, tool: 'switch-to-configuration', args: 'switch' }],
    ['update', 'RolledBack', { machine: GUEST, tool: 'podman', args: '^pull' }],
    ['verify', 'RolledBack', { machine: GUEST, tool: 'curl', skip: 1 }],
  ])(
    'is as before when it is cancelled in phase %s: %s',
    async (phase, ending, where) => {
      release(simulation, GUEST);
      await simulation.publishImage(IMAGE, { healthy: true });
      const former = [systemOf(simulation, GUEST), digestsOf(simulation, GUEST)];
      const pause = await pauseAt(simulation, where);
      const handle = await fleet.start(GUEST);
      await pause.reached();
      expect((await handle.query<RunView>(VIEW_QUERY)).phase).toBe(phase);
      await handle.cancel();
      await eventually(
        'the cancellation is seen',
        async () => {
          const { steps } = await handle.query<RunView>(VIEW_QUERY);
          return steps.some(({ detail }) => detail === 'cancelled');
        },
        30_000,
      );
      pause.release();
      expect(outcome(await viewOf(handle))).toBe(`${ending} Cancelled`);
      expect([systemOf(simulation, GUEST), digestsOf(simulation, GUEST)]).toEqual(former);
      expect(healthOf(simulation, GUEST)).toBe(200);
    },
    TIMEOUT_MS,
  );
});

async function waitForApproval(handle: Awaited<ReturnType<SimulatedFleet['start']>>): Promise<RunView['approval']> {
  let approval: RunView['approval'];
  await eventually(
    'a question',
    async () => {
      ({ approval } = await handle.query<RunView>(VIEW_QUERY));
      return approval !== undefined;
    },
    90_000,
  );
  return approval;
}
