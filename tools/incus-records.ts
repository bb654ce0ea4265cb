import { z } from 'zod';
import { apiPath, type IncusApi } from './incus-api.ts';
import { readIncusError, type IncusFailure } from './incus-errors.ts';
import { literal, rows } from './incus-sql.ts';

const TIMEOUT_MS = 3 * 60_000;

const config = z
  .record(z.string(), z.string())
  .nullish()
  .transform((keys) => keys ?? {});
const volumeSchema = z.object({
  name: z.string(),
  project: z.string(),
  location: z.string(),
  type: z.string(),
  description: z.string(),
  config,
});
const memberSchema = z.object({
  config,
  description: z.string(),
  failure_domain: z.string(),
  groups: z.array(z.string()).nullish(),
  roles: z.array(z.string()).nullish(),
});
const runningSchema = rows(z.tuple([z.string(), z.string()]));
const snapshotSchema = rows(
  z.tuple([z.string(), z.string(), z.string(), z.string(), z.string().nullable(), z.string().nullable()]),
);

/** A custom volume as the cluster's database has it: its configuration is nowhere on the disk. */
export interface VolumeRecord {
  pool: string;
  project: string;
  name: string;
  description: string;
  /** With `volatile.idmap.last`: to whom the files on the disk belong. */
  config: Record<string, string>;
}

/** A snapshot of a custom volume: that it is there is on the disk, and nothing more. */
export interface VolumeSnapshotRecord {
  pool: string;
  project: string;
  volume: string;
  name: string;
  description: string;
  /** ISO 8601; absent: never. */
  expiresAt?: string;
}

export interface MemberRecord {
  description: string;
  failureDomain: string;
  groups: string[];
  roles: string[];
  config: Record<string, string>;
}

/** What the cluster's database knows of a member and of what is on it, also while it is away. */
export interface IncusRecords {
  /** Custom volumes on that member, in these pools, of all projects. */
  volumeRecords(
    member: string,
    pools: readonly string[],
  ): Promise<{ type: 'volume records'; volumes: VolumeRecord[] } | IncusFailure>;
  volumeSnapshotRecords(
    member: string,
    pools: readonly string[],
  ): Promise<{ type: 'snapshot records'; snapshots: VolumeSnapshotRecord[] } | IncusFailure>;
  memberRecord(member: string): Promise<{ type: 'member record'; record: MemberRecord } | IncusFailure>;
  /** Instances of the member that ran when it was last heard of; an offline member's list does not tell. */
  lastRunning(
    member: string,
  ): Promise<{ type: 'last running'; instances: { project: string; name: string }[] } | IncusFailure>;
  /** Records go through standard input: configuration can hold secrets. */
  replaceVolumeRecord(member: string, record: VolumeRecord): Promise<{ type: 'replaced' } | IncusFailure>;
  replaceVolumeSnapshotRecord(
    member: string,
    record: VolumeSnapshotRecord,
  ): Promise<{ type: 'replaced' } | IncusFailure>;
  replaceMemberRecord(member: string, record: MemberRecord): Promise<{ type: 'replaced' } | IncusFailure>;
}

export function createIncusRecords(api: IncusApi): IncusRecords {
  /** JSON is YAML, which is what the commands read. */
  const edit = async (argv: readonly string[], record: object): Promise<{ type: 'replaced' } | IncusFailure> => {
    const ran = await api.run(argv, TIMEOUT_MS, { input: JSON.stringify(record) });
    return ran.result.exitCode === 0 ? { type: 'replaced' } : readIncusError(ran);
  };
  const select = <T>(query: string, schema: z.ZodType<T>): Promise<{ type: 'json'; value: T } | IncusFailure> =>
    api.read<T>(['incus', 'admin', 'sql', 'global', query, '-f', 'json'], schema, () => undefined);

  return {
    volumeRecords: async (member, pools) => {
      const volumes: VolumeRecord[] = [];
      for (const pool of pools) {
        const path = apiPath(['storage-pools', pool, 'volumes', 'custom'], { recursion: '1', 'all-projects': 'true' });
        const answer = await api.list(path, volumeSchema);
        if (answer.type !== 'json') return answer;
        // Snapshots are listed among them, as `volume/snapshot`.
        const own = answer.value.filter(({ location, name }) => location === member && !name.includes('/'));
        volumes.push(
          ...own.map(({ name, project, description, config: keys }) => ({
            ...{ pool, project, name, description },
            config: keys,
          })),
        );
      }
      return { type: 'volume records', volumes };
    },
    memberRecord: async (member) => {
      const answer = await api.get(apiPath(['cluster', 'members', member]), memberSchema);
      if (answer.type !== 'json') return answer;
      const { failure_domain, groups, roles, ...rest } = answer.value;
      return {
        type: 'member record',
        record: { ...rest, failureDomain: failure_domain, groups: groups ?? [], roles: roles ?? [] },
      };
    },
    volumeSnapshotRecords: async (member, pools) => {
      const answer = await select(volumeSnapshotsOn(member), snapshotSchema);
      if (answer.type !== 'json') return answer;
      const snapshots = answer.value.rows.map(([pool, project, volume, name, description, expiry]) => ({
        ...{ pool, project, volume, name, description: description ?? '' },
        ...(isNever(expiry) ? {} : { expiresAt: new Date(expiry).toISOString() }),
      }));
      return { type: 'snapshot records', snapshots: snapshots.filter(({ pool }) => pools.includes(pool)) };
    },
    lastRunning: async (member) => {
      const answer = await select(runningOn(member), runningSchema);
      if (answer.type !== 'json') return answer;
      return {
        type: 'last running',
        instances: answer.value.rows.map(([project, name]) => ({ project, name })),
      };
    },
    replaceVolumeRecord: (member, { pool, project, name, description, config: keys }) =>
      edit([...EDIT_VOLUME, '--project', project, '--target', member, pool, name], { description, config: keys }),
    replaceVolumeSnapshotRecord: (member, { pool, project, volume, name, description, expiresAt }) =>
      edit([...EDIT_VOLUME, '--project', project, '--target', member, pool, `${volume}/${name}`], {
        description,
        expires_at: expiresAt ?? NEVER,
      }),
    replaceMemberRecord: (member, { failureDomain, ...body }) =>
      edit(['incus', 'cluster', 'edit', member], { ...body, failure_domain: failureDomain }),
  };
}

const EDIT_VOLUME = ['incus', 'storage', 'volume', 'edit'];
/** As Incus writes a time that there is none of. */
const NEVER = '0001-01-01T00:00:00Z';
const isNever = (time: string | null): time is null => time === null || time.startsWith('0001-');

/** The tables of Incus 6.0.4. */
const runningOn = (member: string): string =>
  [
    'SELECT projects.name, instances.name FROM instances_config',
    'JOIN instances ON instances.id = instances_config.instance_id',
    'JOIN projects ON projects.id = instances.project_id',
    'JOIN nodes ON nodes.id = instances.node_id',
    `WHERE nodes.name = ${literal(member)} AND instances_config.key = 'volatile.last_state.power'`,
    "AND instances_config.value = 'RUNNING'",
  ].join(' ');

const volumeSnapshotsOn = (member: string): string =>
  [
    'SELECT storage_pools.name, projects.name, storage_volumes.name, snapshots.name, snapshots.description,',
    'snapshots.expiry_date FROM storage_volumes_snapshots AS snapshots',
    'JOIN storage_volumes ON storage_volumes.id = snapshots.storage_volume_id',
    'JOIN storage_pools ON storage_pools.id = storage_volumes.storage_pool_id',
    'JOIN projects ON projects.id = storage_volumes.project_id',
    'JOIN nodes ON nodes.id = storage_volumes.node_id',
    `WHERE nodes.name = ${literal(member)} AND storage_volumes.type = 2`,
  ].join(' ');
