import { Unknown } from '../core/call.ts';
import type { Dataset, State } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { json, NEVER, type Request, type Route } from './routes.ts';

/** Datasets of custom volumes and of containers that the database does not know: the ones of the machine itself. */
export const recoveryRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/internal/recover/validate',
    body: ['pools'],
    handle: (_, request) => {
      const volumes = unknownVolumes(request).map(({ pool, project, name, type, dataset }) => ({
        ...{ name, pool, project, type },
        snapshotCount: Object.keys(dataset.snapshots).length,
      }));
      return json({ DependencyErrors: null, UnknownVolumes: volumes.length === 0 ? null : volumes });
    },
  },
  {
    method: 'POST',
    path: '/internal/recover/import',
    changes: true,
    body: ['pools'],
    handle: (state, request) => {
      const all = unknownVolumes(request);
      if (all.some(({ type }) => type !== 'volume')) throw new Unknown('only custom volumes are taken in again');
      for (const found of all) takeIn(state, request, found);
      return { type: 'empty' };
    },
  },
];

interface UnknownVolume {
  pool: string;
  project: string;
  name: string;
  type: 'volume' | 'container';
  full: string;
  dataset: Dataset;
}

function unknownVolumes({ whole, member, body }: Request): UnknownVolume[] {
  const pools = body['pools'] as { name: string }[];
  return pools.flatMap(({ name: pool }) => {
    const place = whole.cluster.pools[pool]?.[member];
    if (place === undefined || (place.driver ?? 'zfs') !== 'zfs') throw new Unknown(`pool ${pool} is none of ZFS`);
    const root = `${place.source ?? `${pool}/incus`}/`;
    return Object.entries(machineOf(whole, member).datasets).flatMap(([full, dataset]): UnknownVolume[] => {
      const below = full.startsWith(root) ? full.slice(root.length) : '';
      const [, custom, name] = /^custom\/([^_/]+)_([^/]+)$/.exec(below) ?? [];
      if (custom !== undefined && name !== undefined)
        return [{ pool, project: custom, name, type: 'volume', full, dataset }];
      const [, project = 'default', container] = /^containers\/(?:([^_/]+)_)?([^/]+)$/.exec(below) ?? [];
      return container === undefined ? [] : [{ pool, project, name: container, type: 'container', full, dataset }];
    });
  });
}

/** Its snapshots are known by what they are called; when they were made is on no disk. */
function takeIn(state: State, { member }: Request, { pool, project, name, full, dataset }: UnknownVolume): void {
  const createdAt = new Date().toISOString();
  const known = Object.keys(dataset.snapshots).filter((each) => each.startsWith('snapshot-'));
  Reflect.deleteProperty(machineOf(state, member).datasets, full);
  state.cluster.volumes[`${pool}/${member}/${project}/${name}`] = {
    ...{ pool, project, name, location: member, config: {}, createdAt, content: 'as received', dataset },
    contentType: dataset.type === 'volume' ? 'block' : 'filesystem',
    snapshots: Object.fromEntries(
      known.map((each) => [each.slice('snapshot-'.length), { createdAt, expiresAt: NEVER, content: 'as received' }]),
    ),
  };
}
