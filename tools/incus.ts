import type { Host } from '../hosts/host.ts';
import { createIncusApi } from './incus-api.ts';
import { createIncusCluster, type IncusCluster } from './incus-cluster.ts';
import { createIncusFormation, type IncusFormation } from './incus-formation.ts';
import { createIncusInstanceSnapshots, type IncusInstanceSnapshots } from './incus-instance-snapshots.ts';
import { createIncusInstanceRecords, type IncusInstanceRecords } from './incus-instance-records.ts';
import { createIncusInstances, type IncusInstances } from './incus-instances.ts';
import { createIncusLaunch, type IncusLaunch } from './incus-launch.ts';
import { createIncusRecords, type IncusRecords } from './incus-records.ts';
import { createIncusRecreate, type IncusRecreate } from './incus-recreate.ts';
import { createIncusRecovery, type IncusRecovery } from './incus-recovery.ts';
import { createIncusVolumes, type IncusVolumes } from './incus-volumes.ts';
import type { ToolOptions } from './tool-options.ts';

/** Incus as one member of the cluster answers. Any member answers for all; `server` and `waitReady` are its own. */
export type Incus = IncusCluster &
  IncusFormation &
  IncusLaunch &
  IncusInstances &
  IncusInstanceRecords &
  IncusInstanceSnapshots &
  IncusRecords &
  IncusRecreate &
  IncusRecovery &
  IncusVolumes;

/** `host`: a member, as a user that may use Incus's socket. Machine-readable output only. */
export function createIncus(host: Host, options: ToolOptions = {}): Incus {
  const api = createIncusApi(host, options);
  const instances = createIncusInstances(api);
  return {
    ...createIncusCluster(api),
    ...createIncusFormation(api),
    ...createIncusLaunch(api),
    ...instances,
    ...createIncusInstanceRecords(api),
    ...createIncusInstanceSnapshots(api, instances),
    ...createIncusRecords(api),
    ...createIncusRecreate(api),
    ...createIncusRecovery(api),
    ...createIncusVolumes(api),
  };
}
