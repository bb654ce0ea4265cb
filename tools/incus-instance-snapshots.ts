import { apiPath, type IncusApi } from './incus-api.ts';
import type { IncusFailure } from './incus-errors.ts';
import type { IncusInstances } from './incus-instances.ts';
import {
  createSnapshot,
  deleteSnapshot,
  restoreSnapshot,
  snapshotsSchema,
  toSnapshot,
  type CreatedSnapshot,
  type DeletedSnapshot,
  type IncusSnapshot,
  type RestoreBlocked,
} from './incus-snapshots.ts';

interface InstanceSnapshotRef {
  project: string;
  instance: string;
  snapshot: string;
}

/**
 * `blocked` and `failed` restores have stopped the instance all the same: `instanceStatus` is what was seen after.
 * It is absent where the state could not be read.
 */
type RestoredInstanceSnapshot =
  { type: 'restored' } | (RestoreBlocked & { instanceStatus?: string }) | (IncusFailure & { instanceStatus?: string });

export interface IncusInstanceSnapshots {
  instanceSnapshots(
    project: string,
    instance: string,
  ): Promise<{ type: 'snapshots'; snapshots: IncusSnapshot[] } | IncusFailure>;
  /** Attached custom volumes are not in it. Idempotent by name. `expiresAt`: ISO 8601. */
  createInstanceSnapshot(snapshot: InstanceSnapshotRef & { expiresAt?: string }): Promise<CreatedSnapshot>;
  /** Idempotent. */
  deleteInstanceSnapshot(snapshot: InstanceSnapshotRef): Promise<DeletedSnapshot>;
  /**
   * Brings back data, configuration and devices; stops the instance for it and starts it again if it ran.
   * What was written since is lost, each time it is called.
   */
  restoreInstanceSnapshot(snapshot: InstanceSnapshotRef): Promise<RestoredInstanceSnapshot>;
}

export function createIncusInstanceSnapshots(api: IncusApi, instances: IncusInstances): IncusInstanceSnapshots {
  return {
    instanceSnapshots: async (project, instance) => {
      const path = apiPath(['instances', instance, 'snapshots'], { recursion: '1', project });
      const answer = await api.get(path, snapshotsSchema);
      return answer.type === 'json' ? { type: 'snapshots', snapshots: answer.value.map(toSnapshot) } : answer;
    },
    createInstanceSnapshot: ({ project, instance, ...snapshot }) =>
      createSnapshot(api, apiPath(['instances', instance, 'snapshots'], { project }), snapshot),
    deleteInstanceSnapshot: ({ project, instance, snapshot }) =>
      deleteSnapshot(api, apiPath(['instances', instance, 'snapshots', snapshot], { project })),
    restoreInstanceSnapshot: async ({ project, instance, snapshot }) => {
      const path = apiPath(['instances', instance], { project });
      const answer = await restoreSnapshot(api, path, snapshot, (error) =>
        /^Snapshot \S+ does not exist$/.test(error) ? { type: 'not found' as const, what: error } : undefined,
      );
      if (answer.type === 'restored') return answer;
      const state = await instances.instanceState(project, instance);
      return state.type === 'state' ? { ...answer, instanceStatus: state.status } : answer;
    },
  };
}
