import type { Host } from '../hosts/host.ts';
import { createIncusApi } from './incus-api.ts';
import { createIncusCluster, type IncusCluster } from './incus-cluster.ts';
import { createIncusInstanceSnapshots, type IncusInstanceSnapshots } from './incus-instance-snapshots.ts';
import { createIncusInstances, type IncusInstances } from './incus-instances.ts';
import { createIncusVolumes, type IncusVolumes } from './incus-volumes.ts';
import type { ToolOptions } from './tool-options.ts';

/** Incus as one member of the cluster answers. Any member answers for all; `server` and `waitReady` are its own. */
export type Incus = IncusCluster & IncusInstances & IncusInstanceSnapshots & IncusVolumes;

/** `host`: a member, as a user that may use Incus's socket. Machine-readable output only. */
export function createIncus(host: Host, options: ToolOptions = {}): Incus {
  const api = createIncusApi(host, options);
  const instances = createIncusInstances(api);
  return {
    ...createIncusCluster(api),
    ...instances,
    ...createIncusInstanceSnapshots(api, instances),
    ...createIncusVolumes(api),
  };
}
