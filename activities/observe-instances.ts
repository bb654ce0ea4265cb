import type { Fleet } from '../fleet/schema.ts';
import type { InstanceState, PoolState } from '../plan/observation.ts';
import { createIncus } from '../tools/incus.ts';
import { atOnce } from '../tools/at-once.ts';
import { createZfs } from '../tools/zfs.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/** What is on a member, and the storage pools that hold it. */
export async function observeStorage(
  deps: Deps,
  fleet: Fleet,
  member: string,
  context: ActivityContext,
): Promise<{ instances: InstanceState[]; pools: PoolState[] }> {
  const instances = await observeInstances(deps, fleet, member, context);
  return { instances, pools: await observePools(deps, fleet, member, instances, context) };
}

/** The instances on a member, declared or not: an upgrade of the host touches all of them. */
async function observeInstances(
  { machines }: Deps,
  fleet: Fleet,
  member: string,
  { signal }: ActivityContext,
): Promise<(InstanceState & { rootPool?: string })[]> {
  const incus = createIncus(machines.member(fleet, member), { signal });
  const listed = await incus.instances();
  if (listed.type !== 'instances') throw toolFailure(`Listing the instances on ${member}`, listed);
  return listed.instances
    .filter(({ location }) => location === member)
    .map(({ project, name, status, location, volumes, rootPool }) => {
      const guest = fleet.guests[name];
      return {
        project,
        name,
        status,
        location,
        volumes: volumes.map(({ pool, name }) => ({ pool, name })),
        ...(Object.hasOwn(fleet.guests, name) && guest?.project === project ? { guest: name } : {}),
        ...(rootPool === undefined ? {} : { rootPool }),
      };
    });
}

/** The storage pools that hold these instances and their volumes. */
async function observePools(
  { machines }: Deps,
  fleet: Fleet,
  member: string,
  instances: readonly (InstanceState & { rootPool?: string })[],
  { signal }: ActivityContext,
): Promise<PoolState[]> {
  const host = machines.member(fleet, member);
  const incus = createIncus(host, { signal });
  const names = new Set(
    instances.flatMap(({ volumes, rootPool }) => [
      ...volumes.map(({ pool }) => pool),
      ...(rootPool === undefined ? [] : [rootPool]),
    ]),
  );
  const look = async (name: string): Promise<PoolState> => {
    const [pool, space] = await atOnce(incus.pool(name, member), incus.poolSpace(name, member));
    if (pool.type !== 'pool') throw toolFailure(`Storage pool ${name}`, pool);
    if (space.type !== 'space') throw toolFailure(`Space of storage pool ${name}`, space);
    const health =
      pool.driver === 'zfs' ? await zpoolHealth(createZfs(host, { signal }), pool.source ?? name) : undefined;
    const sizes = { usedBytes: space.used, totalBytes: space.total };
    return { name, driver: pool.driver, ...(health === undefined ? {} : { health }), ...sizes };
  };
  return atOnce(...[...names].map(look));
}

/** The source of an Incus pool on ZFS is a dataset; its first part is the zpool. */
async function zpoolHealth(zfs: ReturnType<typeof createZfs>, source: string): Promise<string> {
  const zpool = source.split('/')[0] ?? source;
  const health = await zfs.poolHealth(zpool);
  if (health.type !== 'pool') throw toolFailure(`Health of zpool ${zpool}`, health);
  return health.health;
}
