import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { failedName } from '../../plan/recreate.ts';
import type { RunResult, RunView } from '../../plan/run.ts';
import type { NewFault, Simulation } from '../../simulator/create.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { vmRecreate } from '../../workflows/vm-recreate.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { addRecreation, fileIn, holdersOf, instancesOf, VOLUME } from './recreating.ts';
import { CANARY, EDGE, FILES, git, GUEST, keysInGuest, OPERATOR, recipientsAt } from './rotating.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;
const MEMBER = 'elitedesk-1';
const BROKEN: NewFault['effect'] = { type: 'fail', exitCode: 1, stderr: 'Error: it does not want to' };

describe('vm-recreate over the simulated fleet', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  let remote: string;
  let base: string;
  const begin = (options: Parameters<typeof addRecreation>[1] = {}): void => {
    remote = addRecreation(simulation, options);
    base = simulation.revision();
  };
  beforeEach(async () => {
    fleet = await startSimulatedFleet(env());
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(async () => {
    const unknown = simulation.unknown();
    await fleet.dispose();
    expect(unknown).toEqual([]);
  }, 60_000);

  const start = ({ planOnly = false, keepOld = '7d' } = {}): Promise<WorkflowHandle<typeof vmRecreate>> =>
    env().client.workflow.start<typeof vmRecreate>('vmRecreate', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('vm-recreate', GUEST),
      args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, guest: GUEST, keepOld }],
    });
  const decide = async (handle: WorkflowHandle, approved = true, names: string[] = []): Promise<void> => {
    await eventually(
      'it asks',
      async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'recreate',
      120_000,
    );
    await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved, actor: 'ada', reason: 'test', names }] });
  };
  const recreate = async (
    options?: Parameters<typeof start>[0],
  ): Promise<{ view: RunView; handle: WorkflowHandle }> => {
    const handle = await start(options);
    await decide(handle, true, options?.keepOld === '0s' ? [GUEST] : []);
    return { view: await viewOf(handle), handle };
  };
  const statesOf = (): string[] => instancesOf(simulation).map(({ name, status }) => `${name} ${status}`);
  /** The old one as it was, with its key, its volume, its files. */
  const expectOldBack = (): void => {
    const [instance, ...more] = instancesOf(simulation);
    expect(more).toEqual([]);
    expect(instance).toMatchObject({ name: GUEST, status: 'Running', config: { 'image.description': 'NixOS 26.05' } });
    expect(Object.keys(instance?.config ?? {})).toEqual(['image.description']);
    expect(holdersOf(simulation)).toEqual([GUEST]);
    expect(keysInGuest(simulation)).toEqual([EDGE]);
    expect(git(remote, 'diff', '--stat', base, 'main')).toBe('');
    expect(git(simulation.repoDir, 'for-each-ref', 'refs/runbook')).toBe('');
  };
  const expectNew = ({ name, result }: RunView): string => {
    expect(result).toMatchObject({ outcome: 'Done' });
    const [next = '', ...more] = keysInGuest(simulation);
    expect(more).toEqual([]);
    expect(next).not.toBe(EDGE);
    expect(holdersOf(simulation)).toEqual([GUEST]);
    for (const path of FILES) {
      expect(recipientsAt(remote, 'main', path)).toEqual(expect.arrayContaining([OPERATOR, next]));
      expect(recipientsAt(remote, 'main', path)).not.toContain(EDGE);
    }
    return `${GUEST}-${name}`;
  };

  it(
    'makes the guest anew with a key of its own, and keeps the old one aside, stopped and without its volume',
    async () => {
      begin();
      const { view, handle } = await recreate();
      const aside = expectNew(view);
      expect(statesOf().sort()).toEqual([`${GUEST} Running`, `${aside} Stopped`]);
      const old = simulation.readState().cluster.instances[aside];
      expect(old?.devices).toEqual({ root: expect.objectContaining({ path: '/' }) as unknown });
      expect(old?.config).toMatchObject({ 'boot.autostart': 'false' });
      expect(simulation.readState().cluster.instances[GUEST]).toMatchObject({
        location: MEMBER,
        type: 'virtual-machine',
        config: { 'user.note': 'mine' },
      });
      // One commit: rules with comments and order as they were, files, and the host key.
      expect(git(remote, 'rev-list', '--count', `${base}..main`)).toBe('1');
      expect(git(remote, 'diff', '--name-only', base, 'main').split('\n')).toEqual([
        'runbook.yaml',
        ...FILES,
        'secrets/sops.yaml',
      ]);
      const [next = ''] = keysInGuest(simulation);
      expect(git(remote, 'show', 'main:secrets/sops.yaml')).toBe(
        git(remote, 'show', `${base}:secrets/sops.yaml`).replaceAll(EDGE, next),
      );
      const hostKey = fileIn(simulation, GUEST, 'etc/ssh/ssh_host_ed25519_key.pub').split(' ').slice(0, 2).join(' ');
      expect(git(remote, 'show', 'main:runbook.yaml')).toBe(
        git(remote, 'show', `${base}:runbook.yaml`).replace(hostKeyOf(GUEST), hostKey),
      );
      expect(git(remote, 'log', '-1', '--format=%B', 'main')).toContain(
        `Made by ${view.name} (vm-recreate).\nold: ${EDGE}\nnew: ${next}`,
      );
      const left = view.result?.left.join('\n') ?? '';
      expect(left).toContain('secrets/edge.enc.yaml: caddy.token, other');
      expect(left).toContain(`as ${aside} on ${MEMBER}`);
      expect(simulation.readState().cluster.volumes[`zpool/${VOLUME}`]?.snapshots[view.name]).toBeDefined();
      // Nothing of a value or a private key is anywhere but in the guests and with the operator.
      const history = JSON.stringify(await handle.fetchHistory());
      const decoded = Buffer.from(history.match(/[A-Za-z0-9+/=]{40,}/g)?.join('') ?? '', 'base64').toString();
      const all = [history, decoded, JSON.stringify(view), JSON.stringify(simulation.journal())].join('\n');
      expect(all).not.toContain(CANARY);
      expect(all).not.toContain('AGE-SECRET-KEY');
      expect(existsSync(join(fleet.stateDir, 'secrets', view.name))).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    'removes the old one where it is told to, by its name',
    async () => {
      begin();
      const { view } = await recreate({ keepOld: '0s' });
      expectNew(view);
      expect(statesOf()).toEqual([`${GUEST} Running`]);
    },
    TIMEOUT_MS,
  );

  it(
    'says what it would do, and changes nothing; a no changes nothing either',
    async () => {
      begin();
      const plan = await viewOf(await start({ planOnly: true }));
      expect(plan.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        ...['snapshot-volume-zpool-edge-data', 'set-aside', 'create', 'make-key', 'reencrypt'],
        ...['build', 'deploy', 'attach', 'verify', 'end-old'],
      ]);
      const handle = await start();
      await decide(handle, false);
      expect((await viewOf(handle)).result).toMatchObject({ unchanged: true, failure: { type: 'NotApproved' } });
      expectOldBack();
    },
    TIMEOUT_MS,
  );

  it(
    'does the same where the old one is dead, or gone, by the name that the rules give to its key',
    async () => {
      begin();
      await simulation.store.update((state) => {
        const instance = state.cluster.instances[GUEST];
        if (instance) instance.status = 'Stopped';
      });
      const first = await recreate();
      expectNew(first.view);
      expect(first.view.warnings.join()).toContain('it is given back as it is');
      // Now without any.
      git(simulation.repoDir, 'pull', '--quiet', '--ff-only', 'origin', 'main');
      await simulation.store.update((state) => {
        Reflect.deleteProperty(state.cluster.instances, GUEST);
        Reflect.deleteProperty(state.machines, GUEST);
      });
      rmSync(simulation.store.root(GUEST), { recursive: true });
      const second = await recreate();
      expectNew(second.view);
      expect(second.view.warnings.join()).toContain(`There is no old ${GUEST} to go back to`);
      expect(instancesOf(simulation)).toHaveLength(2);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where nothing says what the guest is made from, and where its volume would be lost',
    async () => {
      begin({ create: false });
      expect((await viewOf(await start())).result).toMatchObject({ unchanged: true, failure: { type: 'BadConfig' } });
      simulation.setFleetFile(
        git(simulation.repoDir, 'show', 'HEAD:runbook.yaml').replace(
          `  ${GUEST}:\n`,
          `  ${GUEST}:\n    create: { type: incus, image: nixos }\n`,
        ),
      );
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain(`create.devices attaches ${VOLUME}`);
    },
    TIMEOUT_MS,
  );

  /** Fails for good, at each step. */
  const failing: [string, NewFault][] = [
    ['creating it', { machine: MEMBER, tool: 'incus', args: '^init ', effect: BROKEN }],
    ['its key', { machine: GUEST, tool: 'age-keygen', args: '-o', effect: BROKEN }],
    ['encrypting', { tool: 'sops', args: '^rotate', effect: BROKEN }],
    ['deploying', { tool: 'deploy', effect: BROKEN }],
    ['attaching', { machine: MEMBER, tool: 'incus', args: '^config edit', skip: 2, times: 1, effect: BROKEN }],
    ['reading', { machine: GUEST, tool: 'age', args: '--decrypt', effect: BROKEN }],
  ];
  it.each(failing)(
    'gives the old one back where %s fails',
    async (_, fault) => {
      begin();
      const handle = await start();
      await simulation.addFault(fault);
      await decide(handle);
      const { result } = await viewOf(handle);
      expect((result as RunResult).outcome).toBe('RolledBack');
      expectOldBack();
    },
    TIMEOUT_MS,
  );

  /** The connection is lost after the command has done what it does, or before: it is looked at again. */
  it.each(['before', 'after'] as const)(
    'comes to the same end where every change of an instance is cut off %s it was made',
    async (when) => {
      begin();
      const handle = await start();
      const cut = ['^init ', '^config edit', '-X POST .*/instances/[^/]*\\?', '"action":"st'];
      for (const args of cut)
        await simulation.addFault({ machine: MEMBER, tool: 'incus', args, when, times: 2, effect: { type: 'drop' } });
      await decide(handle);
      const view = await viewOf(handle);
      const aside = expectNew(view);
      expect(statesOf().sort()).toEqual([`${GUEST} Running`, `${aside} Stopped`]);
    },
    TIMEOUT_MS,
  );

  it(
    'gives the old one back where it is cancelled, and keeps the new one where Incus does not remove it',
    async () => {
      begin();
      const fault = await simulation.addFault({
        ...{ machine: MEMBER, tool: 'incus', args: '^init ', times: 1, when: 'after' },
        effect: { type: 'pause' },
      });
      const handle = await start();
      await decide(handle);
      await eventually('it has created it', () => simulation.isPaused(fault), 120_000);
      await simulation.addFault({ machine: MEMBER, tool: 'incus', args: '-X DELETE .*/instances/', effect: BROKEN });
      await handle.cancel();
      const { name, result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'Cancelled' } });
      const failed = failedName(GUEST, name);
      expect(statesOf().sort()).toEqual([`${GUEST} Running`, `${failed} Stopped`]);
      expect(holdersOf(simulation)).toEqual([GUEST]);
      expect(result?.left.join()).toContain(`as ${failed}`);
      expect(result?.next.map(({ command }) => command)).toContain(
        `runbook release-kept instance:${failed} --node ${MEMBER}`,
      );
    },
    TIMEOUT_MS,
  );
});
