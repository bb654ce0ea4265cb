import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { RejoinActivities } from '../../activities/contract.ts';
import { createInfraActivities } from '../../activities/infra.ts';
import { onItsWay } from '../../activities/on-its-way.ts';
import { keepNotes, noteForgotten, readNotes } from '../../activities/rejoin-notes.ts';
import { createRejoinActivities } from '../../activities/rejoin.ts';
import { sizeInBytes } from '../../plan/bytes.ts';
import type { Simulation } from '../../simulator/create.ts';
import type { Volume } from '../../simulator/core/state.ts';
import { MARKS } from '../../tools/zfs-kept.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const MEMBER = 'elitedesk-1';
const NONE = { volumes: [], instances: [] };
const VIA = 'nuc-1';
const signal = new AbortController().signal;

/** One fleet, in whose life each of these comes after the one before. */
describe('what a rejoin writes down', () => {
  let simulation: Simulation;
  let worker: SimulatedWorker;
  let activities: RejoinActivities;
  beforeAll(async () => {
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
    activities = createRejoinActivities(worker.deps);
    await configure('edge-data', OLD);
  });
  afterAll(async () => {
    await worker.close();
  });

  const OLD = { size: '20GiB', 'volatile.idmap.last': 'old' };
  const ref = () => ({
    ...{ fleet: { revision: simulation.revision() }, name: 'runbook-20261128-0214-3f9c', member: MEMBER, via: VIA },
  });
  const inContext = <Out>(work: () => Promise<Out>): Promise<Out> => new MockActivityEnvironment().run(work);
  const remember = () => inContext(() => activities.rememberMember(ref()));
  const remind = () => inContext(() => activities.remindMember(ref()));
  const end = () => inContext(() => activities.endRejoin(ref()));
  const fleet = () => worker.deps.fleetAt({ revision: simulation.revision() });
  const host = async () => worker.deps.machines.member(await fleet(), MEMBER);
  const notes = async () => readNotes(await host(), MEMBER, signal);
  const volume = (name: string): Volume =>
    Object.values(simulation.readState().cluster.volumes).find((each) => each.name === name) as Volume;
  const configure = (name: string, config: Record<string, string>) =>
    simulation.store.update(({ cluster }) => {
      for (const each of Object.values(cluster.volumes)) if (each.name === name) each.config = config;
    });
  const waits = async (): Promise<string | undefined> => {
    const seen = await onItsWay(worker.deps, await fleet(), MEMBER, signal);
    if (seen.type === 'unknown') throw new Error(seen.problem.message);
    return seen.type === 'waits' ? seen.why : undefined;
  };

  it('is written anew while the cluster knows it, and stays once that has forgotten', async () => {
    expect(await remember()).toBe('done');
    await configure('home-data', OLD);
    expect(await remember()).toBe('done');
    const written = await notes();
    expect(written?.volumes.map(({ config }) => config)).toEqual([OLD, OLD]);
    expect(await waits()).toBeUndefined();
    await noteForgotten(await host(), MEMBER, signal);
    await configure('home-data', {});
    expect(await remember()).toBe('already');
    expect(await notes()).toEqual({ ...written, isForgotten: true });
    expect(await waits()).toBe(`A node-rejoin of ${MEMBER} has not come to its end.`);
  });

  it('is given back once, and not again weeks later', async () => {
    expect(await remind()).toBe('done');
    expect(volume('home-data').config).toEqual(OLD);
    await configure('home-data', { size: '40GiB' });
    expect(await remind()).toBe('already');
    expect(volume('home-data').config).toEqual({ size: '40GiB' });
    expect(await notes()).toMatchObject({ volumes: [], snapshots: [], instances: [] });
  });

  it('is, with a volume that was made anew, not to whom the files of the lost one belonged', async () => {
    await remember();
    await configure('edge-data', {});
    const isMissing = (_: string, { name }: { name: string }): boolean => name === 'edge-data' || name === 'home-data';
    await keepNotes(await host(), MEMBER, { isMissing, unseen: [], declared: NONE }, signal);
    expect(await waits()).toBeUndefined();
    await configure('home-data', { size: '1GiB', 'volatile.idmap.last': '[]' });
    await simulation.store.update(({ cluster }) => {
      for (const { name, dataset } of Object.values(cluster.volumes))
        if (name === 'edge-data' && dataset) dataset.properties = { 'runbook:restored': 'runbook-20261128-0214-3f9c' };
    });
    await remind();
    expect(volume('edge-data').config).toEqual(OLD);
    expect(volume('home-data').config).toEqual({ size: '40GiB', 'volatile.idmap.last': '[]' });
  });

  it('never makes what is in its place smaller than it was given, or than what is in it', async () => {
    const late = async (config: Record<string, string>): Promise<Record<string, string>> => {
      await configure('home-data', { size: '40GiB' });
      await remember();
      const isMissing = (_: string, { name }: { name: string }): boolean => name === 'home-data';
      await keepNotes(await host(), MEMBER, { isMissing, unseen: [], declared: NONE }, signal);
      await configure('home-data', config);
      await remind();
      return volume('home-data').config;
    };
    expect(await late({ size: '100GiB' })).toEqual({ size: '100GiB' });
    expect(await late({})).toEqual({ size: '40GiB' });
    expect([sizeInBytes('20GiB'), sizeInBytes('1MB'), sizeInBytes('7'), sizeInBytes('10%')]).toEqual([
      ...[20 * 2 ** 30, 1e6, 7, undefined],
    ]);
  });

  it('lets Terraform go on once all data is back, and keeps what ran until that is started', async () => {
    await remember();
    await noteForgotten(await host(), MEMBER, signal);
    expect(await waits()).toMatch(/has not come to its end/);
    const running = (await notes())?.running;
    await remind();
    await end();
    expect([await waits(), (await notes())?.running]).toEqual([undefined, running]);
    expect(running).not.toEqual([]);
    await inContext(() => activities.startInstances(ref()));
    expect(await notes()).toBeUndefined();
  });

  it('says of volumes that the cluster has never forgotten that they are as they were', async () => {
    await remember();
    await end();
    expect((await notes())?.given?.toSorted()).toEqual(['zpool/edge-data', 'zpool/home-data']);
    await inContext(() => activities.startInstances(ref()));
    expect(await notes()).toBeUndefined();
  });

  it('is what the fleet file says, where the cluster has forgotten it already', async () => {
    const declare = () => inContext(() => activities.rememberMember({ ...ref(), isForgotten: true }));
    expect([await declare(), await declare()]).toEqual(['done', 'already']);
    expect(await notes()).toMatchObject({
      isForgotten: true,
      declared: {
        volumes: [{ name: 'edge-data' }, { name: 'home-data' }],
        instances: [{ name: 'edge-vm' }, { name: 'home-vm' }],
      },
    });
    expect(await remind()).toBe('nothing known');
    const missing = { volumes: ['zpool/edge-data'], instances: [] };
    await inContext(() => activities.endRejoin({ ...ref(), missing }));
    expect((await notes())?.declared).toMatchObject({ volumes: [{ name: 'edge-data' }], instances: [] });
    await end();
  });

  it('keeps Terraform away while replicas were not seen, or something is set aside', async () => {
    await remember();
    const unseen = ['zpool/edge-data'];
    await keepNotes(await host(), MEMBER, { isMissing: () => true, unseen, declared: NONE }, signal);
    expect(await waits()).toBe(`A node-rejoin of ${MEMBER} could not look at the replicas of zpool/edge-data.`);
    const infra = createInfraActivities(worker.deps);
    await expect(inContext(() => infra.initInfra({ ...ref(), node: MEMBER }))).rejects.toMatchObject({
      type: 'GateRefused',
    });
    const aside = 'zpool/incus-runbook-20261128-0214-3f9c';
    const properties = {
      [MARKS.run]: 'runbook-20261128-0214-3f9c',
      [MARKS.from]: 'zpool/incus',
      [MARKS.rejoin]: 'open',
    };
    await simulation.store.update(({ machines }) => {
      Object.assign(machines[MEMBER]?.datasets ?? {}, { [aside]: { snapshots: {}, properties } });
    });
    expect(await waits()).toBe(`${aside} on ${MEMBER} has what a node-rejoin has not taken back yet.`);
  });

  it('stays where a pool is not imported, as what is set aside in it does', async () => {
    await simulation.store.update(({ machines }) => {
      Object.assign(machines[MEMBER] ?? {}, { zpools: {} });
    });
    expect(await end()).toEqual([]);
    expect(await notes()).toBeDefined();
    await simulation.store.update(({ machines }) => {
      Reflect.deleteProperty(machines[MEMBER] ?? {}, 'zpools');
    });
    expect(await end()).toEqual(['zpool/incus-runbook-20261128-0214-3f9c']);
    expect(await notes()).toMatchObject({ hasEnded: true, volumes: [], instances: [] });
    expect(await waits()).toBeUndefined();
  });

  it('is no reason to take in what was received in part, with the rest or alone', async () => {
    const custom = (name: string, more: object) =>
      simulation.store.update(({ machines }) => {
        Object.assign(machines[MEMBER]?.datasets ?? {}, { [`zpool/incus/custom/default_${name}`]: more });
      });
    const recover = () => inContext(() => activities.recoverPools({ ...ref(), pools: ['zpool'] }));
    await custom('half', { snapshots: {}, readonly: true });
    expect(await recover()).toEqual([]);
    await custom('whole', { snapshots: {} });
    await expect(recover()).rejects.toThrow(/^Incus would take in half with the rest/);
    expect(volume('whole')).toBeUndefined();
    // A mark of an earlier restore says nothing of what is whole.
    await custom('half', { snapshots: {}, properties: { 'runbook:restored': '4711' } });
    expect((await recover()).toSorted()).toEqual(['half', 'whole']);
    expect(volume('half').dataset?.properties?.['runbook:restored']).toBe(ref().name);
  });
});
