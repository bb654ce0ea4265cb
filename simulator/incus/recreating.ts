import { randomInt, randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { hostKeyOf } from '../core/host-key.ts';
import type { Store } from '../core/store.ts';
import type { Instance, State } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { materialise } from '../nix/closure-files.ts';
import { closureOf } from '../nix/flake.ts';
import { replaceLink, setProfile } from '../nix/profile.ts';
import { guestOfImage } from '../reference-fleet.ts';
import { writeMachinePrograms } from '../shims.ts';
import { assertMemberUp, instanceOf, operation, type Answer, type Request, type Route } from './routes.ts';
import { seenBy } from './servers.ts';
import { isDaemonUp } from './view.ts';

/** Instances that are made, renamed, changed and removed while they do not run. */
export const recreatingRoutes: readonly Route[] = [
  { method: 'POST', path: '/1.0/instances/:instance', changes: true, body: ['name'], handle: rename },
  { method: 'DELETE', path: '/1.0/instances/:instance', changes: true, handle: remove },
];

type Devices = Instance['devices'];

/** `incus init --quiet --project P --target MEMBER [--vm] [--profile P … | --no-profiles] IMAGE NAME`, with a record as its input. */
export async function init({ args, machine, store, update }: Call): Promise<number> {
  const asked = readOptions(args.slice(1), {
    flags: ['quiet', 'vm', 'no-profiles'],
    values: ['project', 'target', 'profile'],
  });
  const [image = '', name = '', ...others] = asked.positionals;
  const [target = '', project = ''] = [asked.value('target'), asked.value('project')];
  if (!asked.has('quiet') || name === '' || others.length > 0 || target === '' || project === '')
    throw new Unknown('expected init --quiet --project P --target MEMBER IMAGE NAME');
  const { config, devices } = JSON.parse(readFileSync(0, 'utf8')) as { config: Instance['config']; devices: Devices };
  const type = asked.has('vm') ? 'virtual-machine' : 'container';
  const wanted = { image, name, project, target, type, profiles: asked.all('profile'), config, devices } as const;
  await update((whole) => {
    makeInstance(whole, { machine, store }, wanted);
  });
  return 0;
}

interface Wanted extends Pick<Instance, 'name' | 'project' | 'type' | 'config' | 'devices'> {
  image: string;
  target: string;
  profiles: string[];
}

/** One that does not run. `machine`: the member that is asked. */
export function makeInstance(
  whole: State,
  { machine, store }: Pick<Call, 'machine' | 'store'>,
  { image, name, project, target, type, profiles, config, devices }: Wanted,
): void {
  const state = seenBy(whole, machine);
  const { cluster } = state;
  if (!cluster.members[target]) throw new ToolError(`Error: Cluster member "${target}" not found`);
  const isOwn = cluster.images?.[image] !== undefined;
  if (!isOwn && !cluster.aliases.includes(image)) throw new ToolError(`Error: Image "${image}" not found`);
  if (cluster.instances[name])
    throw new ToolError(
      `Error: Failed creating instance record: Add instance info to the database: Failed to create "instances" entry: UNIQUE constraint failed: instances.project_id, instances.name`,
    );
  if (!isDaemonUp(state, target)) throw new ToolError('Error: Missing event connection with target cluster member');
  const inherited = Object.assign(
    {},
    ...profiles.map((profile) => cluster.profiles[profile]?.devices ?? {}),
  ) as Devices;
  if (!Object.values({ ...inherited, ...devices }).some(({ path }) => path === '/'))
    throw new ToolError(
      'Error: Failed creating instance record: Failed initializing instance: Invalid devices: Failed detecting root disk device: No root device could be found',
    );
  state.machines[name] = newMachine(store, name, machine);
  cluster.instances[name] = {
    ...{ name, project, type, location: target, status: 'Stopped' },
    ...withAddresses(
      { 'image.description': image, ...(isOwn ? { 'volatile.base_image': image } : {}), ...config },
      { ...inherited, ...devices },
    ),
    ...{ createdAt: new Date().toISOString(), content: 'as created', snapshots: {} },
  };
}

/** The names of the programs that are played on a machine: links to its one script. */
function simulatedOn(store: Store, machine: string): string[] {
  const bin = join(store.root(machine), 'bin');
  return readdirSync(bin).filter((name) => {
    const path = join(bin, name);
    return lstatSync(path).isSymbolicLink() && readlinkSync(path) === '.shim';
  });
}

/** With the programs and the system of an image, and a host key of its own. */
function newMachine(store: Store, name: string, member: string): State['machines'][string] {
  const root = store.root(name);
  rmSync(root, { recursive: true, force: true });
  writeMachinePrograms(store.dir, root, name, process.argv[1] ?? '', simulatedOn(store, member));
  const closure = closureOf(name, { hostname: name, version: '26.05.0', kernel: '6.12.0' });
  materialise(root, closure);
  setProfile(join(root, 'nix/var/nix/profiles/system'), join(root, closure.path));
  replaceLink(join(root, 'boot/default'), join(root, closure.path));
  const hostKey = `${name} ${randomUUID()}`;
  mkdirSync(join(root, 'etc/ssh'), { recursive: true });
  writeFileSync(join(root, 'etc/ssh/ssh_host_ed25519_key.pub'), `${hostKeyOf(hostKey)} root@${name}\n`);
  return { ...guestOfImage(name), hostKey };
}

/** `incus config edit --project P NAME`, which reads the whole record from its input. */
export async function editInstance({ args, machine, update }: Call): Promise<number> {
  const asked = readOptions(args.slice(1), { values: ['project'] });
  const [verb, name = '', ...more] = asked.positionals;
  if (verb !== 'edit' || more.length > 0) throw new Unknown('expected config edit --project P NAME');
  const record = JSON.parse(readFileSync(0, 'utf8')) as Pick<Instance, 'config' | 'devices'>;
  await update((whole) => {
    const state = seenBy(whole, machine);
    const instance = state.cluster.instances[name];
    if (instance === undefined || instance.project !== asked.value('project'))
      throw new ToolError('Error: Instance not found');
    assertMemberUp(state, instance.location);
    Object.assign(instance, withAddresses(record.config, record.devices));
  });
  return 0;
}

/** The address of a network interface is made with it, unless it is given, and forgotten with it. */
function withAddresses(config: Instance['config'], devices: Devices): Pick<Instance, 'config' | 'devices'> {
  const known = Object.entries(config).filter(([key]) => {
    const [, device] = /^volatile\.([^.]+)\.hwaddr$/.exec(key) ?? [];
    return device === undefined || devices[device] !== undefined;
  });
  const byte = (): string => randomInt(256).toString(16).padStart(2, '0');
  const made = Object.entries(devices)
    .filter(([, { type, hwaddr }]) => type === 'nic' && hwaddr === undefined)
    .map(([name]) => [`volatile.${name}.hwaddr`, `10:66:6a:${byte()}:${byte()}:${byte()}`]);
  return { config: { ...Object.fromEntries(made), ...Object.fromEntries(known) } as Instance['config'], devices };
}

/** What waits where an address was, for whoever gets its name back. */
const ASIDE = 'aside:';

function rename(state: State, request: Request): Answer {
  const instance = state.cluster.instances[request.parameters['instance'] ?? ''];
  if (instance === undefined || instance.project !== (request.query['project'] ?? 'default'))
    throw new ToolError(`Error: Failed to get address of instance's member: Instance not found`);
  assertStopped(state, instance, 'Renaming of running instance not allowed');
  const to = String(request.body['name']);
  if (state.cluster.instances[to]) throw new ToolError(`Error: Name "${to}" already in use`);
  const machine = machineOf(state, instance.name);
  const address = machine.address.startsWith(ASIDE)
    ? machine.address.slice(ASIDE.length)
    : `${ASIDE}${machine.address}`;
  state.machines[to] = { ...machine, name: to, address };
  state.cluster.instances[to] = { ...instance, name: to };
  move(request.store.root(instance.name), request.store.root(to));
  move(join(request.store.dir, 'snapshots', instance.name), join(request.store.dir, 'snapshots', to));
  forget(state, instance.name);
  return operation('Renaming instance');
}

/** Killed in the middle, it may have been moved already. */
function move(from: string, to: string): void {
  if (!existsSync(from)) return;
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}

function remove(state: State, request: Request): Answer {
  const instance = instanceOf(state, request);
  assertStopped(state, instance, 'Instance is running');
  forget(state, instance.name);
  return operation('Deleting instance');
}

function assertStopped(state: State, { location, status }: Instance, error: string): void {
  assertMemberUp(state, location);
  if (status !== 'Stopped') throw new ToolError(`Error: ${error}`);
}

function forget(state: State, name: string): void {
  Reflect.deleteProperty(state.cluster.instances, name);
  Reflect.deleteProperty(state.machines, name);
}
