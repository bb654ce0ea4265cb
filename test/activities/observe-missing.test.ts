import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { observeRejoin } from '../../activities/observe-rejoin.ts';
import { takeNotes, writeNotes } from '../../activities/rejoin-notes.ts';
import type { Simulation } from '../../simulator/create.ts';
import type { Dataset } from '../../simulator/core/state.ts';
import { createIncus } from '../../tools/incus.ts';
import { MARKS } from '../../tools/zfs-kept.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const MEMBER = 'elitedesk-1';
const ASIDE = 'zpool/incus-runbook-20261128-0214-3f9c';
const OPEN: Dataset = {
  snapshots: {},
  properties: { [MARKS.run]: 'runbook-20261128-0214-3f9c', [MARKS.from]: 'zpool/incus', [MARKS.rejoin]: 'open' },
};
const PLAIN: Dataset = { snapshots: {} };
const signal = new AbortController().signal;
const context = { signal, attempt: 1, report: () => undefined };

describe('what a member lacks whose last rejoin ended after it had joined', () => {
  let simulation: Simulation;
  let worker: SimulatedWorker;
  beforeEach(async () => {
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
    await writeNotesOfAll();
  });
  afterEach(async () => {
    await worker.close();
  });

  const host = async (name: string) =>
    worker.deps.machines.member(await worker.deps.fleetAt({ revision: simulation.revision() }), name);
  async function writeNotesOfAll(): Promise<void> {
    const notes = await takeNotes(createIncus(await host('nuc-1'), { signal }), MEMBER, ['zpool']);
    await writeNotes(await host(MEMBER), MEMBER, notes, signal);
  }
  /** The cluster knows nothing of it any more, and this is on its disks. */
  const forgotten = (datasets: Record<string, Dataset>) =>
    simulation.store.update(({ cluster, machines }) => {
      for (const [key, { location }] of Object.entries(cluster.volumes))
        if (location === MEMBER) Reflect.deleteProperty(cluster.volumes, key);
      for (const [key, { location }] of Object.entries(cluster.instances))
        if (location === MEMBER) Reflect.deleteProperty(cluster.instances, key);
      Object.assign(machines[MEMBER]?.datasets ?? {}, { 'zpool/incus': PLAIN, ...datasets });
    });
  async function missing() {
    const input = { fleet: { revision: simulation.revision() }, name: 'runbook-20261128-0300-aaaa', member: MEMBER };
    const { missing: found } = await observeRejoin(worker.deps, { ...input, anew: false }, context);
    return {
      copies: found?.volumes.map(({ replicas }) => replicas.map(({ problem }) => problem?.message)),
      volumes: found?.volumes.map(({ name }) => name),
      instances: found?.instances.map(({ name }) => name),
      arrived: found?.volumes.flatMap(({ arrivedBytes }) => arrivedBytes ?? []),
    };
  }

  it('is nothing that is set aside, or was moved back and has no record yet', async () => {
    await forgotten({
      [ASIDE]: OPEN,
      [`${ASIDE}/custom`]: PLAIN,
      [`${ASIDE}/custom/default_edge-data`]: PLAIN,
      [`${ASIDE}/virtual-machines`]: PLAIN,
      [`${ASIDE}/virtual-machines/edge-vm`]: PLAIN,
      'zpool/incus/custom': PLAIN,
      'zpool/incus/custom/default_home-data': PLAIN,
      'zpool/incus/virtual-machines': PLAIN,
      'zpool/incus/virtual-machines/home-vm': PLAIN,
    });
    expect(await missing()).toEqual({ copies: [], volumes: [], instances: [], arrived: [] });
  });

  it('is what was being received, with what of it has arrived, and what is nowhere, whatever its copies are', async () => {
    await forgotten({
      [ASIDE]: OPEN,
      'zpool/incus/custom': PLAIN,
      'zpool/incus/custom/default_home-data': { snapshots: {}, readonly: true },
    });
    await simulation.store.update(({ machines }) => {
      Object.assign(machines['nuc-1'] ?? {}, { zpools: {}, datasets: {} });
    });
    const unseen = 'nuc-1 has not imported a zpool tank: zpool import tank there shows it again.';
    expect(await missing()).toEqual({
      copies: [[unseen], [unseen]],
      volumes: ['edge-data', 'home-data'],
      instances: ['edge-vm', 'home-vm'],
      arrived: [24_576],
    });
  });
});
