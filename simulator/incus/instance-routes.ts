import { ToolError, Unknown } from '../core/call.ts';
import { machineOf, type Store } from '../core/store.ts';
import type { Instance, State } from '../core/state.ts';
import { bootSystem, stopGuest } from '../hosts/power.ts';
import { restoreFiles, saveFiles, forgetFiles } from '../hosts/guest-files.ts';
import {
  assertMemberReady,
  assertMemberUp,
  instanceOf,
  json,
  NEVER,
  operation,
  type Request,
  type Route,
} from './routes.ts';
import { instanceStateView, instanceView } from './view.ts';

export const instanceRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances',
    handle: (state, { query }) =>
      json(
        Object.values(state.cluster.instances)
          .filter(({ project }) => query['all-projects'] === 'true' || project === (query['project'] ?? 'default'))
          .map((instance) =>
            query['recursion'] === undefined ? `/1.0/instances/${instance.name}` : instanceView(state, instance),
          ),
      ),
  },
  {
    method: 'GET',
    path: '/1.0/instances/:instance',
    handle: (state, request) => json(instanceView(state, instanceOf(state, request))),
  },
  {
    method: 'GET',
    path: '/1.0/instances/:instance/state',
    handle: (state, request) => {
      const instance = instanceOf(state, request);
      assertMemberUp(state, instance.location);
      return json(instanceStateView(state, instance));
    },
  },
  {
    method: 'PUT',
    path: '/1.0/instances/:instance/state',
    changes: true,
    body: ['action', 'timeout', 'force', 'stateful'],
    handle: setState,
  },
  {
    method: 'PUT',
    path: '/1.0/instances/:instance',
    changes: true,
    body: ['restore', 'stateful'],
    handle: restoreSnapshot,
  },
  {
    method: 'GET',
    path: '/1.0/instances/:instance/snapshots',
    handle: (state, request) => {
      const { snapshots, location } = instanceOf(state, request);
      assertMemberReady(state, location);
      return json(
        Object.entries(snapshots).map(([name, { createdAt, expiresAt, config, devices }]) => ({
          name,
          created_at: createdAt,
          expires_at: expiresAt,
          stateful: false,
          config,
          devices,
        })),
      );
    },
  },
  {
    method: 'POST',
    path: '/1.0/instances/:instance/snapshots',
    changes: true,
    body: ['name', 'expires_at', 'stateful'],
    handle: createSnapshot,
  },
  { method: 'DELETE', path: '/1.0/instances/:instance/snapshots/:snapshot', changes: true, handle: deleteSnapshot },
];

function setState(state: State, request: Request): ReturnType<Route['handle']> {
  const { name } = instanceOf(state, request);
  const action = String(request.body['action']);
  setInstanceState(request.store, state, name, action);
  return operation(`${{ start: 'Starting', stop: 'Stopping' }[action] ?? 'Restarting'} instance`);
}

/** Throws as Incus does where it cannot. */
export function setInstanceState(store: Store, state: State, name: string, action: string): void {
  const instance = state.cluster.instances[name];
  if (!instance) throw new ToolError('Error: Instance not found');
  assertMemberUp(state, instance.location);
  if (action !== 'start' && instance.status === 'Stopped')
    throw new ToolError('Error: The instance is already stopped');
  switch (action) {
    case 'start':
      if (instance.status === 'Running') throw new ToolError('Error: The instance is already running');
      if (state.cluster.members[instance.location]?.evacuated)
        throw new ToolError('Error: Cluster member is evacuated');
      start(store, state, instance);
      return;
    case 'stop':
      instance.status = 'Stopped';
      stopGuest(store, name);
      return;
    case 'restart':
      start(store, state, instance);
      return;
    default:
      throw new Unknown(`unknown action ${action}`);
  }
}

function start(store: Store, state: State, instance: Instance): void {
  const isAway = Object.values(state.cluster.volumes).some(
    ({ renamed, pool, name }) =>
      renamed === 'away' &&
      Object.values(instance.devices).some((each) => each['pool'] === pool && each['source'] === name),
  );
  if (isAway) throw new Unknown('nobody is to start what has a volume that is not there');
  instance.status = 'Running';
  bootSystem(store, machineOf(state, instance.name));
}

function createSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const instance = instanceOf(state, request);
  assertMemberReady(state, instance.location);
  const name = String(request.body['name']);
  if (instance.snapshots[name]) {
    const why =
      'Failed to create "instances_snapshots" entry: UNIQUE constraint failed: instances_snapshots.instance_id, instances_snapshots.name';
    throw new ToolError(
      `Error: Failed creating instance snapshot record "${name}": Add snapshot info to the database: ${why}`,
    );
  }
  saveFiles(request.store, instance.name, name);
  const expiresAt = request.body['expires_at'];
  const { content, config, devices } = instance;
  instance.snapshots[name] = {
    createdAt: new Date().toISOString(),
    expiresAt: typeof expiresAt === 'string' ? expiresAt : NEVER,
    machine: structuredClone(machineOf(state, instance.name)),
    ...structuredClone({ content, config, devices }),
  };
  return operation('Snapshotting instance');
}

function deleteSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const instance = instanceOf(state, request);
  assertMemberReady(state, instance.location);
  const name = request.parameters['snapshot'] ?? '';
  if (!instance.snapshots[name])
    throw new ToolError(
      `Error: Failed to fetch snapshot "${name}" of instance "${instance.name}" in project "${instance.project}": Instance_snapshot not found`,
    );
  Reflect.deleteProperty(instance.snapshots, name);
  forgetFiles(request.store, instance.name, name);
  return operation('Deleting snapshot');
}

/** Stops the instance first, also where the restore is refused then, and starts it again only where it was not. */
function restoreSnapshot(state: State, request: Request): ReturnType<Route['handle']> {
  const instance = instanceOf(state, request);
  assertMemberUp(state, instance.location);
  const name = String(request.body['restore']);
  const snapshot = instance.snapshots[name];
  if (!snapshot) throw new ToolError(`Error: Snapshot ${instance.name}/${name} does not exist`);
  const ran = instance.status === 'Running';
  stopGuest(request.store, instance.name);
  if (Object.keys(instance.snapshots).at(-1) !== name) {
    instance.status = 'Stopped';
    const error = `Snapshot "${name}" cannot be restored due to subsequent snapshot(s). Set zfs.remove_snapshots to override`;
    return { type: 'refused', error };
  }
  Object.assign(
    instance,
    structuredClone({ content: snapshot.content, config: snapshot.config, devices: snapshot.devices }),
  );
  restoreFiles(request.store, instance.name, name);
  const { name: own, address, clockOffsetMs, power } = machineOf(state, instance.name);
  if (snapshot.machine) state.machines[own] = { ...structuredClone(snapshot.machine), address, clockOffsetMs, power };
  if (ran) start(request.store, state, instance);
  return operation('Restoring snapshot');
}
