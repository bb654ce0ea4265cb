import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf, type Store } from '../core/store.ts';
import type { Cluster, State } from '../core/state.ts';
import { removePlace } from './pools.ts';
import { rolesIn } from './roles.ts';
import { emptyDatabase, installFiles, seenBy, serverOf } from './servers.ts';
import { isDaemonUp } from './view.ts';

/**
 * `incus cluster remove --quiet NAME`: the member is asked, and becomes a server of its own. With `--force --yes` its records
 * go, and it is not asked.
 */
export async function removeMember({ args, machine, store, update }: Call): Promise<number> {
  const [, , quiet, name = '', ...rest] = args;
  const how = rest.join(' ');
  if (quiet !== '--quiet' || name.startsWith('-') || (how !== '' && how !== '--force --yes'))
    throw new Unknown('expected cluster remove --quiet NAME [--force --yes]');
  await update((state) => {
    const { cluster } = seenBy(state, machine);
    if (serverOf(state, machine).addresses['cluster.https_address'] === undefined)
      throw new ToolError('Error: Failed loading local member info "": Cluster member not found');
    if (!cluster.members[name]) throw new ToolError('Error: Cluster member not found');
    if (name === machine) throw new Unknown('a member is removed by another one');
    if (how === '') leave(store, state, cluster, name);
    else forget(state, cluster, name);
    dropRecords(cluster, name);
  });
  return 0;
}

/** Its pools go with all that is in their places; its addresses stay. */
function leave(store: Store, state: State, cluster: Cluster, name: string): void {
  const isHere = ({ location }: { location: string }): boolean => location === name;
  const held = (kind: string, records: readonly { name: string }[]): void => {
    const names = records.map((each) => each.name).sort();
    if (names.length > 0) throw new ToolError(`Error: Node still has the following ${kind}: ${names.join(', ')}`);
  };
  held('instances', Object.values(cluster.instances).filter(isHere));
  held('custom volumes', Object.values(cluster.volumes).filter(isHere));
  if (!isDaemonUp(state, name)) throw new Unknown('only a member that is up can leave');
  const server = serverOf(state, name);
  for (const [pool, { [name]: place }] of Object.entries(cluster.pools))
    if (place !== undefined) removePlace(store, machineOf(state, name), place, `${pool}/incus`);
  server.database = emptyDatabase();
  for (const key of ['bridges', 'join'] as const) Reflect.deleteProperty(server, key);
  for (const file of ['cluster.crt', 'cluster.key'])
    rmSync(join(store.root(name), 'var/lib/incus', file), { force: true });
  installFiles(store, name);
}

/** It goes on as if it were in a cluster, until it is restarted. */
function forget(state: State, cluster: Cluster, name: string): void {
  const server = serverOf(state, name);
  const member = cluster.members[name];
  if (server.database !== undefined || member === undefined) return;
  const pools = Object.entries(cluster.pools).flatMap(([pool, { [name]: place }]) =>
    place === undefined ? [] : [[pool, { [name]: place }] as const],
  );
  server.database = { ...emptyDatabase(), members: { [name]: member }, pools: Object.fromEntries(pools) };
  server.join = 'running';
}

function dropRecords(cluster: Cluster, name: string): void {
  // The others had theirs from when it was there.
  const roles = rolesIn(cluster, () => true);
  for (const [each, member] of Object.entries(cluster.members)) if (roles[each]) member.role = roles[each];
  Reflect.deleteProperty(cluster.members, name);
  if (cluster.voters !== undefined) cluster.voters = cluster.voters.filter((each) => each !== name);
  for (const places of Object.values(cluster.pools)) Reflect.deleteProperty(places, name);
  for (const group of Object.values(cluster.groups)) group.members = group.members.filter((each) => each !== name);
  for (const image of Object.values(cluster.images ?? {}))
    image.members = image.members.filter((each) => each !== name);
  for (const records of [cluster.instances, cluster.volumes])
    for (const [key, { location }] of Object.entries(records))
      if (location === name) Reflect.deleteProperty(records, key);
}
