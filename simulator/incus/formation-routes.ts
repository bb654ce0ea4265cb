import { ToolError } from '../core/call.ts';
import type { Profile, State } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { makePool } from './pools.ts';
import { emptyDatabase, serverOf, writeClusterCertificate } from './servers.ts';
import { isClustered } from './server-routes.ts';
import { json, operation, type Answer, type Request, type Route } from './routes.ts';

const GROUP = ['description', 'members'];
const PROFILE = ['description', 'config', 'devices'];
const SETTINGS = /^(?:acme|backups|core|images|instances|logging|loki|network|oidc|openfga|storage|user)\./;
const OF_CLUSTERS =
  /^cluster\.(?:healing_threshold|https_address|images_minimal_replica|join_token_expiry|max_standby|max_voters|offline_threshold|rebalance\.\w+)$/;

/** What makes a cluster of servers, and gives it its pools, networks, profiles and groups. */
export const formationRoutes: readonly Route[] = [
  { method: 'PATCH', path: '/1.0', changes: true, body: ['config'], handle: setConfig },
  { method: 'PUT', path: '/1.0/cluster', changes: true, body: ['server_name', 'enabled'], handle: enable },
  { method: 'GET', path: '/1.0/storage-pools', handle: listPools },
  { method: 'POST', path: '/1.0/storage-pools', changes: true, body: ['name', 'driver', 'config'], handle: createPool },
  { method: 'GET', path: '/1.0/networks', handle: listNetworks },
  {
    method: 'POST',
    path: '/1.0/networks',
    changes: true,
    body: ['name', 'description', 'type', 'config'],
    handle: createNetwork,
  },
  { method: 'GET', path: '/1.0/profiles', handle: listProfiles },
  { method: 'POST', path: '/1.0/profiles', changes: true, body: ['name', ...PROFILE], handle: createProfile },
  { method: 'PUT', path: '/1.0/profiles/:profile', changes: true, body: PROFILE, handle: replaceProfile },
  { method: 'GET', path: '/1.0/cluster/groups', handle: listGroups },
  { method: 'POST', path: '/1.0/cluster/groups', changes: true, body: ['name', ...GROUP], handle: createGroup },
  { method: 'PUT', path: '/1.0/cluster/groups/:group', changes: true, body: GROUP, handle: replaceGroup },
];

const ADDRESSES = ['core.https_address', 'cluster.https_address'];

/**
 * Addresses are a server's own, the rest is its database's. A server that refuses a setting keeps only those of its addresses
 * that it was sent along, in a cluster as well: it goes on listening, and a member does not come up again once it is restarted
 * (6.0.4).
 */
function setConfig(state: State, { body, member, whole }: Request): Answer {
  const server = serverOf(whole, member);
  const config = body['config'] as Record<string, string>;
  const { 'cluster.https_address': address } = config;
  const problem =
    address !== undefined && isClustered(state) && server.addresses['cluster.https_address'] !== address
      ? 'Changing cluster.https_address is currently not supported'
      : Object.entries(config).flatMap(([key, value]) => settingProblem(key, value) ?? [])[0];
  if (problem !== undefined) {
    const kept = Object.entries(server.addresses).filter(([key]) => key in config);
    server.addresses = Object.fromEntries(kept);
    return { type: 'refused', error: problem };
  }
  for (const [key, value] of Object.entries(config))
    (ADDRESSES.includes(key) ? server.addresses : state.cluster.config)[key] = value;
  const listens = server.addresses['core.https_address'];
  if (listens !== undefined) server.listens = listens;
  return { type: 'empty' };
}

function settingProblem(key: string, value: string): string | undefined {
  if (!SETTINGS.test(key) && !OF_CLUSTERS.test(key)) return `cannot set '${key}' to '${value}': unknown key`;
  if (key === 'cluster.offline_threshold' && Number(value) <= 10)
    return `cannot set '${key}' to '${value}': Value must be greater than '10'`;
  return undefined;
}

/** Its own database becomes the cluster's. A second cluster keeps its own, so that it is another one. */
function enable(state: State, { body, member, store, whole }: Request): Answer {
  if (isClustered(state)) throw new ToolError('Error: Inconsistent state: found leftover cluster certificate');
  const server = serverOf(whole, member);
  const address = server.addresses['core.https_address'];
  if (address === undefined)
    throw new ToolError(
      'Error: Cannot use wildcard core.https_address "" for cluster.https_address. Please specify a new cluster.https_address or core.https_address',
    );
  const name = String(body['server_name']);
  const { version, database = emptyDatabase() } = server;
  server.addresses['cluster.https_address'] = address;
  database.members[name] = {
    version,
    evacuated: false,
    stoppedByEvacuation: [],
    description: '',
    ...(name === member ? {} : { machine: member }),
  };
  database.pools = Object.fromEntries(
    Object.entries(database.pools).map(([pool, places]) => [
      pool,
      Object.fromEntries(Object.values(places).map((place) => [name, place])),
    ]),
  );
  writeClusterCertificate(store, member);
  if (Object.keys(whole.cluster.members).length === 0 && name === member) {
    whole.cluster = database;
    Reflect.deleteProperty(server, 'database');
  }
  return operation('Creating bootstrap node');
}

function listPools(state: State): Answer {
  const pools = Object.entries(state.cluster.pools).map(([name, places]) => poolView(state, name, places));
  // As Go prints a list that was never made.
  return pools.length === 0 ? { type: 'empty' } : json(pools);
}

/** Where a pool lives is each member's own: only one that is asked for by name, or a server without a cluster, says it. */
export function poolView(
  state: State,
  name: string,
  places: State['cluster']['pools'][string],
  target?: string,
): object {
  const clustered = isClustered(state);
  const [first] = Object.values(places);
  const place = target === undefined ? first : places[target];
  const { driver = 'zfs', source = `${name}/incus`, status = 'Created' } = place ?? {};
  const showsSource = !clustered || target !== undefined;
  return {
    name,
    driver,
    status,
    description: '',
    config: showsSource ? { source, ...(driver === 'zfs' ? { 'zfs.pool_name': source } : {}) } : {},
    used_by: [],
    locations: clustered ? Object.keys(places) : ['none'],
  };
}

function createPool(state: State, { body, member, store }: Request): Answer {
  const name = String(body['name']);
  if (state.cluster.pools[name])
    throw new ToolError('Error: The storage pool already exists: The record already exists');
  if (isClustered(state)) throw new ToolError(`Error: Pool not pending on any node (use --target <node> first)`);
  const { source = '' } = body['config'] as { source?: string };
  const pool = makePool(store, machineOf(state, member), name, String(body['driver']), source);
  state.cluster.pools[name] = { [member]: pool };
  return { type: 'empty' };
}

function listNetworks(state: State): Answer {
  const locations = isClustered(state) ? Object.keys(state.cluster.members) : ['none'];
  const managed = Object.entries(state.cluster.networks).map(([name, { description, config }]) => ({
    ...{ name, description, config, type: 'bridge', managed: true, status: 'Created', locations },
    ...{ project: 'default', used_by: [] },
  }));
  const loopback = { name: 'lo', description: '', config: {}, type: 'loopback', managed: false, status: '' };
  return json([...managed, { ...loopback, locations: null, project: 'default', used_by: [] }]);
}

function createNetwork(state: State, { body, member, whole }: Request): Answer {
  const name = String(body['name']);
  if (state.cluster.networks[name]) throw new ToolError(`Error: Network "${name}" already exists`);
  if (Object.keys(state.cluster.members).length > 1)
    throw new ToolError('Error: Network not pending on any node (use --target <node> first)');
  const { description = '', config = {} } = body as { description?: string; config?: Record<string, string> };
  state.cluster.networks[name] = { description, config };
  const server = serverOf(whole, member);
  server.bridges = [...(server.bridges ?? []), name];
  return { type: 'empty' };
}

function listProfiles(state: State): Answer {
  return json(
    Object.entries(state.cluster.profiles).map(([name, profile]) => ({
      ...{ name, ...profile, project: 'default', used_by: [] },
    })),
  );
}

function createProfile(state: State, { body }: Request): Answer {
  const name = String(body['name']);
  if (state.cluster.profiles[name])
    throw new ToolError(`Error: Error inserting "${name}" into database: The profile already exists`);
  state.cluster.profiles[name] = profileIn(body);
  return { type: 'empty' };
}

function replaceProfile(state: State, { body, parameters }: Request): Answer {
  const name = parameters['profile'] ?? '';
  if (!state.cluster.profiles[name])
    throw new ToolError(`Error: Failed to retrieve profile "${name}": Profile not found`);
  state.cluster.profiles[name] = profileIn(body);
  return { type: 'empty' };
}

/** What its devices name is not looked at as long as no instance has the profile. */
function profileIn(body: Record<string, unknown>): Profile {
  const { description = '', config = {}, devices = {} } = body as Partial<Profile>;
  return { description, config, devices };
}

function assertClustered(state: State): void {
  if (!isClustered(state)) throw new ToolError('Error: This server is not clustered');
}

function listGroups(state: State): Answer {
  assertClustered(state);
  const { groups, members } = state.cluster;
  const all = { default: { description: 'Default cluster group', members: Object.keys(members) }, ...groups };
  return json(Object.entries(all).map(([name, group]) => ({ name, ...group })));
}

function createGroup(state: State, { body }: Request): Answer {
  assertClustered(state);
  const {
    name = '',
    description = '',
    members = [],
  } = body as { name?: string } & Partial<State['cluster']['groups'][string]>;
  if (name === 'default' || state.cluster.groups[name])
    throw new ToolError(
      'Error: Failed to create "cluster_groups" entry: UNIQUE constraint failed: cluster_groups.name',
    );
  if (members.some((member) => !state.cluster.members[member]))
    throw new ToolError(
      'Error: Failed to create "nodes_clusters_groups" entry: NOT NULL constraint failed: nodes_cluster_groups.node_id',
    );
  state.cluster.groups[name] = { description, members };
  return { type: 'empty' };
}

function replaceGroup(state: State, { body, parameters }: Request): Answer {
  assertClustered(state);
  const name = parameters['group'] ?? '';
  if (!state.cluster.groups[name]) throw new ToolError('Error: Cluster_group not found');
  const { description = '', members = [] } = body as Partial<State['cluster']['groups'][string]>;
  if (members.some((member) => !state.cluster.members[member]))
    throw new ToolError('Error: Failed to get node info: Cluster member not found');
  state.cluster.groups[name] = { description, members };
  return { type: 'empty' };
}
