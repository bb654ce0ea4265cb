import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { RestorationRef } from '../../activities/contract.ts';
import { createInPlaceActivities } from '../../activities/restore-in-place.ts';
import type { Simulation } from '../../simulator/create.ts';
import type { Dataset } from '../../simulator/core/state.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const RUN = 'runbook-20261128-0214-3f9c';
const MEMBER = 'elitedesk-1';
const PLACE = 'zpool/incus/custom/default_edge-data';
const COPY = `${PLACE}-restored-20261128-0214-3f9c`;
const ASIDE = `zpool/incus-edge-data-${RUN}`;
const WRITTEN = `${ASIDE}-written`;
const GUID = '1030';
const AT = '2026-11-28T02:14:00Z';
const MARK = { 'runbook:restored': GUID };
const TIMEOUT_MS = 240_000;

describe('a copy that takes the place of its original', () => {
  let simulation: Simulation;
  let worker: SimulatedWorker;
  let act: ReturnType<typeof createInPlaceActivities>;
  beforeEach(async () => {
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
    act = createInPlaceActivities(worker.deps);
    const creation = Math.floor(Date.parse('2026-11-27T02:00:00Z') / 1000);
    await simulation.store.update(({ machines, cluster }) => {
      const datasets = machines[MEMBER]?.datasets ?? {};
      datasets[COPY] = {
        ...{ snapshots: { 'snapshot-nightly': { creation, guid: GUID } }, properties: { ...MARK } },
        content: 'as received',
      };
      const guest = cluster.instances['edge-vm'];
      if (guest) guest.status = 'Stopped';
      for (const volume of Object.values(cluster.volumes))
        if (volume.name === 'edge-data') volume.content = 'the original';
    });
  }, TIMEOUT_MS);
  afterEach(async () => {
    await worker.close();
  });

  const work = (): RestorationRef => ({
    ...{ fleet: { revision: simulation.revision() }, name: RUN, stallMs: 60_000 },
    restoration: {
      ...{ project: 'default', volume: 'edge-data', sourceMember: MEMBER, kind: 'filesystem', raw: false },
      from: { host: 'nuc-1', dataset: 'tank/replica/edge-data' },
      snapshot: { name: 'snapshot-nightly', guid: GUID, createdAt: '2026-11-27T02:00:00Z' },
      ...{ member: MEMBER, pool: 'zpool', name: 'edge-data-restored-20261128-0214-3f9c', dataset: COPY },
      inPlace: { dataset: PLACE, aside: ASIDE, usedBytes: 1, snapshots: 0, users: [], resolve: [] },
    },
  });
  const run = <In, Out>(activity: (input: In) => Promise<Out>, input: In): Promise<Out> =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  const take = () => run((input) => act.takePlace(input), { ...work(), at: AT });
  const giveBack = (attempt = 1) =>
    new MockActivityEnvironment({ attempt }, { logger: new DefaultLogger('ERROR') }).run(
      (input: RestorationRef) => act.putOriginalBack(input),
      work(),
    );
  const dataset = (name: string): Dataset | undefined => simulation.readState().machines[MEMBER]?.datasets[name];
  const volume = () => Object.values(simulation.readState().cluster.volumes).find(({ name }) => name === 'edge-data');
  const change = (work: (dataset: Dataset) => void): Promise<unknown> =>
    simulation.store.update(({ cluster }) => {
      const found = Object.values(cluster.volumes).find(({ name }) => name === 'edge-data');
      if (found) {
        found.dataset = { snapshots: {}, ...found.dataset };
        work(found.dataset);
      }
    });

  it(
    'is not there already where an earlier restore of the same snapshot has left its mark, and the original comes back',
    async () => {
      await change((own) => {
        own.properties = { ...MARK };
      });
      expect(await giveBack()).toBe(true);
      expect(volume()?.content).toBe('the original');
      expect(dataset(COPY)).toBeDefined();
      for (const state of ['done', 'already']) expect(await take()).toBe(state);
      expect(volume()?.content).toBe('as received');
      expect(dataset(ASIDE)).toMatchObject({ content: 'the original' });
      for (const time of [1, 2]) expect([time, await giveBack()]).toEqual([time, true]);
      expect(volume()?.content).toBe('the original');
      expect([dataset(ASIDE), dataset(COPY)?.content]).toEqual([undefined, 'as received']);
    },
    TIMEOUT_MS,
  );

  it(
    'is kept with what guests have written to it, where the original comes back',
    async () => {
      await take();
      await change((own) => {
        own.written = 4096;
      });
      for (const time of [1, 2]) expect([time, await giveBack()]).toEqual([time, false]);
      expect(volume()?.content).toBe('the original');
      expect(dataset(COPY)).toBeUndefined();
      expect(dataset(WRITTEN)).toMatchObject({
        ...{ content: 'as received', written: 4096 },
        properties: { 'runbook:kept': RUN, 'runbook:kept-from': PLACE, 'runbook:restored': RUN },
      });
    },
    TIMEOUT_MS,
  );

  it(
    'keeps its place while a guest is up with it, by its state or by its mount, and loses it when nobody is',
    async () => {
      const setGuest = (status: 'Running' | 'Stopped') =>
        simulation.store.update(({ cluster }) => {
          const guest = cluster.instances['edge-vm'];
          if (guest) guest.status = status;
        });
      const stays = async (words: string): Promise<void> => {
        await expect(giveBack()).rejects.toMatchObject({
          ...{ type: 'Busy', message: expect.stringContaining(words) as unknown },
        });
        expect(volume()?.content).toBe('as received');
        expect(dataset(ASIDE)?.content).toBe('the original');
      };
      await take();
      await change((own) => {
        own.type = 'volume';
      });
      await setGuest('Running');
      await stays('It is used again: edge-vm');
      await expect(giveBack(4)).rejects.toMatchObject({ type: 'GateRefused' });
      await change((own) => {
        delete own.type;
      });
      await stays('is mounted still');
      await expect(giveBack(4)).rejects.toMatchObject({ type: 'GateRefused' });
      await setGuest('Stopped');
      expect(await giveBack()).toBe(true);
      expect(volume()?.content).toBe('the original');
    },
    TIMEOUT_MS,
  );

  it(
    'is known by its mark when its snapshot has expired: the original comes back, and the copy is kept',
    async () => {
      await take();
      await change((own) => {
        own.snapshots = {};
      });
      for (const time of [1, 2]) expect([time, await giveBack()]).toEqual([time, false]);
      expect(volume()?.content).toBe('the original');
      expect([dataset(ASIDE), dataset(COPY)]).toEqual([undefined, undefined]);
      expect(dataset(WRITTEN)).toMatchObject({ content: 'as received', properties: { 'runbook:kept': RUN } });
    },
    TIMEOUT_MS,
  );

  it(
    'has all its guests started, whatever becomes of the first',
    async () => {
      const users = ['edge-vm', 'home-vm'].map((name) => ({
        ...{ project: 'default', name, status: 'Running', isDeclared: true },
      }));
      await simulation.store.update(({ cluster }) => {
        const other = cluster.instances['home-vm'];
        if (other) {
          other.status = 'Stopped';
          other.devices['edge'] = { type: 'disk', pool: 'zpool', source: 'edge-data', path: '/edge' };
        }
      });
      await simulation.addFault({
        ...{ tool: 'incus', args: '"action":"start".*edge-vm', times: 1 },
        effect: { type: 'fail', exitCode: 1, stderr: 'Error: it is not the day for it' },
      });
      await expect(run((input) => act.startUsers(input), { ...work(), users })).rejects.toMatchObject({
        message: expect.stringContaining('Starting edge-vm') as unknown,
      });
      expect(simulation.readState().cluster.instances['home-vm']?.status).toBe('Running');
    },
    TIMEOUT_MS,
  );
});
