import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import type { IncusFailure } from './incus-errors.ts';
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

const poolSchema = z.object({
  name: z.string(),
  driver: z.string(),
  status: z.string(),
  config: z.record(z.string(), z.string()),
  locations: z
    .array(z.string())
    .nullish()
    .transform((locations) => locations ?? []),
});

/** `used` is left out by Incus where it is 0. */
const spaceSchema = z.object({ space: z.object({ used: z.number().default(0), total: z.number() }) });

const volumesSchema = z.array(
  z.object({
    name: z.string(),
    type: z.string(),
    content_type: z.enum(['filesystem', 'block', 'iso']),
    location: z.string(),
    project: z.string().optional(),
    config: z.record(z.string(), z.string()),
  }),
);

interface StoragePool {
  type: 'pool';
  name: string;
  driver: string;
  /** `Created`, or why not. */
  status: string;
  /** The members that have it. */
  members: string[];
  /** Dataset or folder on the member that was asked for; in a cluster only known per member. */
  source?: string;
  /** Of a pool on ZFS, also where it is on a file that Incus made. */
  dataset?: string;
}

interface StorageVolume {
  name: string;
  project: string;
  location: string;
  contentType: 'filesystem' | 'block' | 'iso';
  config: Record<string, string>;
}

/** A custom volume. In a cluster, `member` is the one that holds it: names are only unique per member. */
interface VolumeRef {
  pool: string;
  project: string;
  volume: string;
  member?: string;
}

type RestoredVolumeSnapshot =
  { type: 'restored' } | RestoreBlocked | { type: 'in use'; message: string } | IncusFailure;

export interface IncusVolumes {
  /** With `member`, its own `source` is in the answer. */
  pool(name: string, member?: string): Promise<StoragePool | IncusFailure>;
  /** Bytes. */
  poolSpace(pool: string, member?: string): Promise<{ type: 'space'; used: number; total: number } | IncusFailure>;
  /** Custom volumes of one project, or of all. */
  volumes(
    pool: string,
    options?: { project?: string },
  ): Promise<{ type: 'volumes'; volumes: StorageVolume[] } | IncusFailure>;
  volumeSnapshots(volume: VolumeRef): Promise<{ type: 'snapshots'; snapshots: IncusSnapshot[] } | IncusFailure>;
  /** Idempotent by name. `expiresAt`: ISO 8601. */
  createVolumeSnapshot(snapshot: VolumeRef & { snapshot: string; expiresAt?: string }): Promise<CreatedSnapshot>;
  /** Idempotent. */
  deleteVolumeSnapshot(snapshot: VolumeRef & { snapshot: string }): Promise<DeletedSnapshot>;
  /** `in use`: a running instance has it attached; stop that first. What was written since is lost. */
  restoreVolumeSnapshot(snapshot: VolumeRef & { snapshot: string }): Promise<RestoredVolumeSnapshot>;
}

export function createIncusVolumes(api: IncusApi): IncusVolumes {
  return {
    pool: async (name, member) => {
      const answer = await api.get(apiPath(['storage-pools', name], { target: member }), poolSchema);
      if (answer.type !== 'json') return answer;
      const { driver, status, config, locations } = answer.value;
      const source = config['source'];
      const dataset = driver === 'zfs' ? (config['zfs.pool_name'] ?? source) : undefined;
      return {
        ...{ type: 'pool', name, driver, status, members: locations },
        ...(source === undefined ? {} : { source }),
        ...(dataset === undefined ? {} : { dataset }),
      };
    },
    poolSpace: async (pool, member) => {
      const answer = await api.get(apiPath(['storage-pools', pool, 'resources'], { target: member }), spaceSchema);
      return answer.type === 'json' ? { type: 'space', ...answer.value.space } : answer;
    },
    volumes: async (pool, { project } = {}) => {
      const which = project === undefined ? { 'all-projects': 'true' } : { project };
      const path = apiPath(['storage-pools', pool, 'volumes', 'custom'], { recursion: '1', ...which });
      const answer = await api.get(path, volumesSchema);
      if (answer.type !== 'json') return answer;
      // An older server lists snapshots here too, as `volume/snapshot`.
      const own = answer.value.filter(({ name, type }) => type === 'custom' && !name.includes('/'));
      return { type: 'volumes', volumes: own.map((raw) => toVolume(raw, project ?? 'default')) };
    },
    volumeSnapshots: async (volume) => {
      const answer = await api.get(volumePath(volume, ['snapshots'], { recursion: '1' }), snapshotsSchema);
      return answer.type === 'json' ? { type: 'snapshots', snapshots: answer.value.map(toSnapshot) } : answer;
    },
    createVolumeSnapshot: (snapshot) => createSnapshot(api, volumePath(snapshot, ['snapshots']), snapshot),
    deleteVolumeSnapshot: (snapshot) => deleteSnapshot(api, volumePath(snapshot, ['snapshots', snapshot.snapshot])),
    restoreVolumeSnapshot: (snapshot) =>
      restoreSnapshot(api, volumePath(snapshot, []), snapshot.snapshot, (error) =>
        error === 'Cannot restore custom volume used by running instances'
          ? { type: 'in use' as const, message: error }
          : undefined,
      ),
  };
}

function volumePath(
  { pool, project, volume, member }: VolumeRef,
  rest: readonly string[],
  query: Readonly<Record<string, string>> = {},
): string {
  const segments = ['storage-pools', pool, 'volumes', 'custom', volume, ...rest];
  return apiPath(segments, { ...query, project, target: member });
}

function toVolume(raw: z.output<typeof volumesSchema>[number], project: string): StorageVolume {
  const { name, location, content_type: contentType, config } = raw;
  return { name, project: raw.project ?? project, location, contentType, config };
}
