import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createRecreateActivities } from '../../activities/recreate.ts';
import { asideName, failedName } from '../../plan/recreate.ts';
import type { Simulation } from '../../simulator/create.ts';
import type { Instance } from '../../simulator/core/state.ts';
import { addRecreation, holdersOf } from '../temporal/recreating.ts';
import { GUEST } from '../temporal/rotating.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const RUN = 'runbook-20261128-0214-3f9c';
const ANOTHER = 'runbook-20261127-0100-aaaa';
const MEMBER = 'elitedesk-1';
const ASIDE = asideName(GUEST, RUN);
const FAILED = failedName(GUEST, RUN);
const TIMEOUT_MS = 120_000;
const ADDRESS = '10:66:6a:00:00:01';
const NIC = { type: 'nic', network: 'incusbr0', name: 'eth0' };
const NOTE = 'user.runbook.aside';

describe('the guest that is set aside', () => {
  let simulation: Simulation;
  let worker: SimulatedWorker;
  let act: ReturnType<typeof createRecreateActivities>;
  beforeEach(async () => {
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
    addRecreation(simulation, {}, { 'security.protection.delete': 'true' });
    act = createRecreateActivities(worker.deps);
  }, TIMEOUT_MS);
  afterEach(async () => {
    await worker.close();
  });

  const ref = () => ({ fleet: { revision: simulation.revision() }, name: RUN, guest: GUEST });
  const run = <In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  const instances = () => simulation.readState().cluster.instances;
  const change = (name: string, work: (instance: Instance) => void): Promise<unknown> =>
    simulation.store.update(({ cluster }) => {
      const instance = cluster.instances[name];
      if (instance) work(instance);
    });
  const bringBack = () => run((input) => act.bringBackGuest(input), { ...ref(), old: 'alive' as const });

  it(
    'comes back with its addresses, and the new one goes, though it was declared to be protected',
    async () => {
      await change(GUEST, ({ config, devices }) => {
        devices['eth0'] = NIC;
        config['volatile.eth0.hwaddr'] = ADDRESS;
      });
      const before = instances()[GUEST];
      await run((input) => act.setGuestAside(input), ref());
      await run((input) => act.createGuest(input), ref());
      expect(instances()[GUEST]?.config['security.protection.delete']).toBe('true');
      expect(instances()[GUEST]?.config['volatile.eth0.hwaddr']).not.toBe(ADDRESS);
      expect(await bringBack()).toBe('done');
      expect(instances()[GUEST]).toMatchObject({ config: before?.config, devices: before?.devices, status: 'Running' });
      expect(holdersOf(simulation)).toEqual([GUEST]);
      expect(await bringBack()).toBe('already');
      expect(Object.keys(instances()).filter((name) => name.startsWith(GUEST))).toEqual([GUEST]);
    },
    TIMEOUT_MS,
  );

  it(
    'comes back also where Incus does not remove the new one, which is kept then',
    async () => {
      await run((input) => act.setGuestAside(input), ref());
      await run((input) => act.createGuest(input), ref());
      await simulation.addFault({
        ...{ machine: MEMBER, tool: 'incus', args: '-X DELETE .*/instances/' },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: Instance is protected' },
      });
      expect(await bringBack()).toBe('kept');
      expect(instances()[GUEST]).toMatchObject({ status: 'Running', config: { 'image.description': 'NixOS 26.05' } });
      expect(instances()[FAILED]).toMatchObject({
        status: 'Stopped',
        devices: { root: { path: '/' } },
        config: {
          'boot.autostart': 'false',
          'user.runbook.kept': expect.stringContaining('did not remove it: ') as unknown,
        },
      });
      expect(instances()[FAILED]?.config).not.toHaveProperty('security.protection.delete');
    },
    TIMEOUT_MS,
  );

  it(
    'has to be there before the new one is touched, unless there was none',
    async () => {
      await run((input) => act.setGuestAside(input), ref());
      await run((input) => act.createGuest(input), ref());
      await simulation.store.update((state) => {
        Reflect.deleteProperty(state.cluster.instances, ASIDE);
      });
      expect(await bringBack()).toBe('old is gone');
      expect(instances()[GUEST]?.status).toBe('Running');
      expect(await run((input) => act.bringBackGuest(input), { ...ref(), old: 'gone' as const })).toBe('done');
      expect(Object.keys(instances()).filter((name) => name.startsWith(GUEST))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'is not changed by what another run has noted of it',
    async () => {
      const stale = JSON.stringify({ run: ANOTHER, guest: GUEST, ran: true, devices: {}, autostart: 'true' });
      await change(GUEST, ({ config }) => {
        config[NOTE] = stale;
      });
      const before = instances()[GUEST];
      expect(await bringBack()).toBe('already');
      expect(instances()[GUEST]).toEqual(before);
      // Nor does a run go by it, but for what that run had taken away.
      await run((input) => act.setGuestAside(input), ref());
      await bringBack();
      expect(instances()[GUEST]).toMatchObject({ status: 'Running', devices: before?.devices });
      expect(holdersOf(simulation)).toEqual([GUEST]);
    },
    TIMEOUT_MS,
  );

  it(
    'gets back what a run that was terminated half-way had taken away',
    async () => {
      const before = instances()[GUEST];
      await run((input) => act.setGuestAside(input), { ...ref(), name: ANOTHER });
      await simulation.store.update(({ cluster, machines }) => {
        const left = asideName(GUEST, ANOTHER);
        for (const [all, own] of [
          [cluster.instances, cluster.instances[left]],
          [machines, machines[left]],
        ] as const) {
          Object.assign(all, { [GUEST]: { ...own, name: GUEST } });
          Reflect.deleteProperty(all, left);
        }
      });
      expect(holdersOf(simulation)).toEqual([]);
      await run((input) => act.setGuestAside(input), ref());
      await bringBack();
      expect(instances()[GUEST]).toMatchObject({ status: 'Running', devices: before?.devices });
      expect(instances()[GUEST]?.config).not.toHaveProperty(NOTE);
    },
    TIMEOUT_MS,
  );

  it(
    'is kept without its note, so that nothing goes by it later; as often as one likes',
    async () => {
      await run((input) => act.setGuestAside(input), ref());
      const end = { keep: true, at: '2026-11-28T02:20:00Z', until: '2026-12-05T02:20:00Z' };
      for (const state of ['done', 'already'])
        expect(await run((input) => act.endOldGuest(input), { ...ref(), ...end })).toBe(state);
      expect(instances()[ASIDE]?.config).not.toHaveProperty(NOTE);
      expect(instances()[ASIDE]?.config).toHaveProperty(['user.runbook.kept']);
    },
    TIMEOUT_MS,
  );

  it(
    'is not forced down where it is not known what Incus answers',
    async () => {
      await simulation.addFault({
        ...{ machine: MEMBER, tool: 'incus', args: '"action":"stop"' },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: something that nobody knows' },
      });
      await expect(run((input) => act.setGuestAside(input), ref())).rejects.toMatchObject({ type: 'Unexpected' });
      expect(simulation.journal().filter(({ args }) => args.join(' ').includes('"force":true'))).toEqual([]);
      expect(instances()[GUEST]?.status).toBe('Running');
      expect(holdersOf(simulation)).toEqual([GUEST]);
    },
    TIMEOUT_MS,
  );
});
