import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RestorationRef } from '../../activities/contract.ts';
import type { Deps } from '../../activities/deps.ts';
import { receiveVolume } from '../../activities/restore-volume.ts';
import { zfsSnapshotDetails } from '../../tools/zfs-snapshot-details.ts';
import type { Simulation } from '../../simulator/create.ts';
import { startSimulatedWorker, type SimulatedWorker } from './a-simulated-worker.ts';

const REPLICA = 'tank/replica/edge-data';
const RUN = 'runbook-20261128-0214-3f9c';
const context = { signal: new AbortController().signal, attempt: 1, report: () => undefined };

describe('a volume that is received', () => {
  let simulation: Simulation;
  let worker: SimulatedWorker;
  beforeEach(async () => {
    worker = await startSimulatedWorker();
    ({ simulation } = worker);
  });
  afterEach(async () => {
    await worker.close();
  });

  async function inputOf(): Promise<RestorationRef> {
    const ref = { revision: simulation.revision() };
    const fleet = await worker.deps.fleetAt(ref);
    const listed = await zfsSnapshotDetails(worker.deps.machines.receiver(fleet, 'nuc-1'), REPLICA);
    const [snapshot] = listed.type === 'snapshots' ? listed.snapshots : [];
    if (snapshot === undefined) throw new Error('Expected a snapshot.');
    const { name, guid, createdAt } = snapshot;
    return {
      ...{ fleet: ref, name: RUN, stallMs: 60_000 },
      restoration: {
        ...{ project: 'default', volume: 'edge-data', sourceMember: 'elitedesk-1', kind: 'filesystem', raw: false },
        ...{ from: { host: 'nuc-1', dataset: REPLICA }, snapshot: { name, guid, createdAt } },
        ...{ member: 'elitedesk-1', pool: 'zpool', name: 'found', dataset: 'zpool/incus/custom/default_found' },
      },
    };
  }
  const held = (): string[] =>
    Object.values(simulation.readState().machines['nuc-1']?.datasets[REPLICA]?.snapshots ?? {}).flatMap(
      ({ tags = [] }) => tags,
    );
  /** A worker that dies when it has started the job. */
  const mortal = (): Deps => {
    const { jobs } = worker.deps.local;
    let isStarted = false;
    const dying: typeof jobs = {
      ...jobs,
      start: (...args) => {
        isStarted = true;
        return jobs.start(...args);
      },
      status: (...args) => (isStarted ? Promise.reject(new Error('killed')) : jobs.status(...args)),
    };
    return { ...worker.deps, local: { ...worker.deps.local, jobs: dying } };
  };

  it('leaves nothing held, also where the attempt was killed that held it', async () => {
    const input = await inputOf();
    await expect(receiveVolume(mortal(), input, context)).rejects.toThrow('killed');
    expect(held()).toEqual([`runbook:${RUN}`]);
    expect(await receiveVolume(worker.deps, input, context)).toBe('done');
    expect(held()).toEqual([]);
  });
});
