import { ToolError, Unknown } from '../core/call.ts';
import { heldByZfs, isInUse, newerInZfs, newPoint } from '../hosts/zfs-datasets.ts';
import type { Pool, State, Volume } from '../core/state.ts';
import { poolView } from './formation-routes.ts';
import { machineOfMember } from './servers.ts';
import { assertMemberReady, json, NEVER, operation, findVolume, volumeOf, type Request, type Route } from './routes.ts';

const VOLUME = '/1.0/storage-pools/:pool/volumes/custom/:volume';

export const storageRoutes: readonly Route[] = [
  { method: 'GET', path: '/1.0/storage-pools/:pool', handle: pool },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:pool/resources',
    handle: (state, request) => {
      const { usedBytes, totalBytes } = poolOf(state, request);
      return json({ inodes: {}, space: { total: totalBytes, ...(usedBytes === 0 ? {} : { used: usedBytes }) } });
    },
  },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:pool/volumes/custom',
    handle: (state, { parameters, query }) => {
      if (!state.cluster.pools[parameters['pool'] ?? '']) throw new ToolError('Error: Storage pool not found');
      return json(
        Object.values(state.cluster.volumes)
          .filter(
            ({ pool, project }) =>
              pool === parameters['pool'] &&
              (query['all-projects'] === 'true' || project === (query['project'] ?? 'default')),
          )
          .map(({ name, project, location, contentType, config, createdAt }) => ({
            name,
            type: 'custom',
            content_type: contentType,
            location,
            project,
            config,
            created_at: createdAt,
            description: '',
            used_by: [],
          })),
      );
    },
  },
  {
    method: 'GET',
    path: `${VOLUME}/snapshots`,
    handle: (state, request) => {
      // Where no such volume is, there are no snapshots of it: that is no error.
      const volume = findVolume(state, request);
      return json(
        Object.entries(volume?.snapshots ?? {}).map(([name, { createdAt, expiresAt }]) => ({
          name: `${volume?.name ?? ''}/${name}`,
          created_at: createdAt,
          expires_at: expiresAt,
          config: volume?.config,
          content_type: volume?.contentType,
          description: '',
        })),
      );
    },
  },
  { method: 'POST', path: `${VOLUME}/snapshots`, changes: true, body: ['name', 'expires_at'], handle: createSnapshot },
  { method: 'DELETE', path: `${VOLUME}/snapshots/:snapshot`, changes: true, handle: deleteSnapshot },
  { method: 'PUT', path: VOLUME, changes: true, body: ['restore'], handle: restoreSnapshot },
];

function poolOf(state: State, { parameters, query, member }: Request): Pool {
  const target = query['target'] ?? member;
  if (query['target'] !== undefined && !state.cluster.members[target])
    throw new ToolError('Error: Cluster member not found');
  const found = state.cluster.pools[parameters['pool'] ?? '']?.[target];
  if (!found) throw new ToolError('Error: Storage pool not found');
  assertMemberReady(state, target);
  return found;
}

function pool(state: State, request: Request): ReturnType<Route['handle']> {
  poolOf(state, request);
  const name = request.parameters['pool'] ?? '';
  return json(poolView(state, name, state.cluster.pools[name] ?? {}, request.query['target']));
}

function createSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const volume = volumeOf(state, request);
  assertMemberReady(state, volume.location);
  const name = String(request.body['name']);
  if (volume.snapshots[name]) throw new ToolError(`Error: Snapshot "${name}" already in use`);
  if (volume.renamed === 'away') throw new Unknown('nobody is to take a snapshot of what is not there');
  const expiresAt = request.body['expires_at'];
  followedBy(volume, name);
  const { clockOffsetMs } = machineOfMember(state, volume.location);
  volume.snapshots[name] = {
    createdAt: new Date(Date.now() + clockOffsetMs).toISOString(),
    expiresAt: typeof expiresAt === 'string' ? expiresAt : NEVER,
    content: volume.content,
  };
  return operation('Creating storage volume snapshot');
}

/** Where the dataset does not follow by itself. */
function followedBy({ renamed, dataset }: Volume, name: string): void {
  if (renamed === 'other' && dataset !== undefined) dataset.snapshots[`snapshot-${name}`] = newPoint(name, dataset);
}

function deleteSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const volume = volumeOf(state, request);
  assertMemberReady(state, volume.location);
  const name = request.parameters['snapshot'] ?? '';
  if (!volume.snapshots[name]) {
    const what = `Storage volume "${volume.name}/${name}" in project "${volume.project}" of type "custom"`;
    throw new ToolError(`Error: ${what} does not exist on pool "${volume.pool}": Storage volume not found`);
  }
  const held = heldByZfs(state, volume, name);
  if (held !== undefined) throw new ToolError(held);
  Reflect.deleteProperty(volume.snapshots, name);
  if (volume.renamed === 'other') Reflect.deleteProperty(volume.dataset?.snapshots ?? {}, `snapshot-${name}`);
  return operation('Deleting storage volume snapshot');
}

function restoreSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const volume = volumeOf(state, request);
  assertMemberReady(state, volume.location);
  const name = String(request.body['restore']);
  const snapshot = volume.snapshots[name];
  if (!snapshot) throw new ToolError('Error: Snapshot not found');
  if (isInUse(state, volume)) throw new ToolError('Error: Cannot restore custom volume used by running instances');
  if (Object.keys(volume.snapshots).at(-1) !== name)
    throw new ToolError(
      `Error: Snapshot "${name}" cannot be restored due to subsequent snapshot(s). Set zfs.remove_snapshots to override`,
    );
  const newer = newerInZfs(state, volume, name);
  if (newer !== undefined) throw new ToolError(newer);
  volume.content = snapshot.content;
  return { type: 'empty' };
}
