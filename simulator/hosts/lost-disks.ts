import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '../core/state.ts';
import { machineOf, type Store } from '../core/store.ts';
import { emptyDatabase, incusVersion, installFiles } from '../incus/servers.ts';
import { stopGuest } from './power.ts';
import { datasetsOf } from './zfs-datasets.ts';

const GIB = 2 ** 30;

/**
 * A member has lost its disks, all of them, and was installed anew: its Incus knows nothing, and its zpools are there and have the
 * dataset of Incus's pool and nothing else. The cluster still lists it. Call it within an update.
 */
export function loseDisks(store: Store, state: State, name: string): void {
  const machine = machineOf(state, name);
  const zpools = [...datasetsOf(state, name).keys()].filter((dataset) => !dataset.includes('/'));
  const version = incusVersion(state, name);
  machine.datasets = { 'zpool/incus': { snapshots: {} } };
  machine.zpools = Object.fromEntries(
    zpools.map((zpool) => [zpool, { status: 'Created', health: 'ONLINE', usedBytes: GIB, totalBytes: 460 * GIB }]),
  );
  for (const volume of Object.values(state.cluster.volumes)) if (volume.location === name) delete volume.dataset;
  for (const instance of Object.values(state.cluster.instances))
    if (instance.location === name) stopGuest(store, instance.name);
  rmSync(join(store.root(name), 'var/lib'), { recursive: true, force: true });
  machine.incus = { version, addresses: {}, database: emptyDatabase() };
  installFiles(store, name);
}
