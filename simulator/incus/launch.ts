import { createHash } from 'node:crypto';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Instance, Machine, State } from '../core/state.ts';
import { bootSystem, stopGuest } from '../hosts/power.ts';
import { seenBy } from './servers.ts';
import { isDaemonUp } from './view.ts';

/** What an image server outside has, whatever its name; a cluster's own images have aliases. */
const REMOTE = /^images:[\w./-]+$/;

/** `incus launch --quiet IMAGE NAME --target MEMBER --storage POOL`: a container, which boots. */
export async function launch({ args, machine, store, update }: Call): Promise<number> {
  const asked = readOptions(args.slice(1), {
    flags: ['quiet'],
    values: ['target', 'storage', 'config'],
    short: { q: 'quiet', s: 'storage', c: 'config' },
  });
  const [image = '', name = '', ...others] = asked.positionals;
  const [target, pool] = [asked.value('target'), asked.value('storage')];
  if (!asked.has('quiet') || name === '' || others.length > 0 || target === undefined || pool === undefined)
    throw new Unknown('expected launch --quiet IMAGE NAME --target MEMBER --storage POOL');
  const config = Object.fromEntries(
    asked.all('config').map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  await update((whole) => {
    const state = seenBy(whole, machine);
    const { cluster } = state;
    if (!cluster.members[target]) throw new ToolError(`Error: Cluster member "${target}" not found`);
    if (!REMOTE.test(image) && !cluster.aliases.includes(image))
      throw new ToolError(`Error: Image "${image}" not found`);
    if (cluster.instances[name])
      throw new ToolError(
        `Error: Failed creating instance record: Add instance info to the database: Failed to create "instances" entry: UNIQUE constraint failed: instances.project_id, instances.name`,
      );
    if (!cluster.pools[pool]) throw new ToolError('Error: Storage pool not found');
    if (!isDaemonUp(state, target)) throw new ToolError('Error: Missing event connection with target cluster member');
    state.machines[name] = guestMachine(name, Object.keys(state.machines).length);
    cluster.instances[name] = container(name, target, pool, { 'image.description': image, ...config });
    bootSystem(store, machineOf(state, name));
  });
  return 0;
}

/** `incus delete --quiet --force NAME`. */
export async function deleteInstance({ args, machine, store, update }: Call): Promise<number> {
  const asked = readOptions(args.slice(1), { flags: ['quiet', 'force'], short: { q: 'quiet', f: 'force' } });
  const [name = '', ...others] = asked.positionals;
  if (!asked.has('force') || name === '' || others.length > 0)
    throw new Unknown('expected delete --quiet --force NAME');
  await update((whole) => {
    const state = seenBy(whole, machine);
    const instance = state.cluster.instances[name];
    if (!instance) throw new ToolError(`Error: Failed checking instance exists "local:${name}": Instance not found`);
    if (!isDaemonUp(state, instance.location))
      throw new ToolError('Error: Missing event connection with target cluster member');
    forget(state, name);
    stopGuest(store, name);
  });
  return 0;
}

function forget(state: State, name: string): void {
  Reflect.deleteProperty(state.cluster.instances, name);
  Reflect.deleteProperty(state.machines, name);
}

function guestMachine(name: string, index: number): Machine {
  return {
    name,
    kind: 'guest',
    address: `10.0.1.${10 + index}`,
    power: 'on',
    bootId: '',
    machineId: createHash('sha256').update(`machine ${name}`).digest('hex').slice(0, 32),
    bootedAt: new Date().toISOString(),
    clockOffsetMs: 0,
    units: {},
    containers: {},
    images: {},
    endpoints: [],
    datasets: {},
  };
}

function container(name: string, location: string, pool: string, config: Instance['config']): Instance {
  return {
    name,
    project: 'default',
    type: 'container',
    location,
    status: 'Running',
    config,
    devices: { root: { type: 'disk', path: '/', pool } },
    createdAt: new Date().toISOString(),
    content: 'as created',
    snapshots: {},
  };
}
