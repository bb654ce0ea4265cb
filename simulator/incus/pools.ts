import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf, type Store } from '../core/store.ts';
import type { Machine, Pool } from '../core/state.ts';
import { seenBy, writePoolFolder } from './servers.ts';

const KINDS = ['buckets', 'containers', 'custom', 'images', 'virtual-machines'];
const FOLDERS = [...KINDS, 'containers-snapshots', 'custom-snapshots', 'virtual-machines-snapshots'];
const DATASETS = [...KINDS, 'deleted', ...KINDS.map((kind) => `deleted/${kind}`)];
const GIB = 2 ** 30;

/** Incus's own things in an empty place on a machine. Throws as Incus does where the place is not there, or not empty. */
export function makePool(store: Store, machine: Machine, name: string, driver: string, source: string): Pool {
  if (driver === 'zfs') fillDataset(machine, source);
  else if (driver === 'dir') fillFolder(store.root(machine.name), source);
  else throw new Unknown(`unknown storage driver ${driver}`);
  writePoolFolder(store, machine.name, name, driver === 'dir');
  const zpool = machine.zpools?.[source.split('/')[0] ?? ''];
  return {
    driver,
    source,
    status: 'Created',
    health: zpool?.health ?? 'ONLINE',
    usedBytes: zpool?.usedBytes ?? 10 * GIB,
    totalBytes: zpool?.totalBytes ?? 100 * GIB,
  };
}

/** `incus storage delete NAME`, of a server without a cluster. */
export async function deletePool({ args, machine, store, update, out }: Call): Promise<number> {
  const [, , name = '', ...rest] = args;
  if (name === '' || rest.length > 0) throw new Unknown('expected storage delete NAME');
  await update((whole) => {
    const { cluster } = seenBy(whole, machine);
    const pool = cluster.pools[name]?.[machine];
    if (!pool) throw new ToolError('Error: Storage pool not found');
    if (Object.keys(cluster.members).length > 0) throw new Unknown('a pool of a cluster stays');
    clearPool(store, machineOf(whole, machine), pool);
    Reflect.deleteProperty(cluster.pools, name);
  });
  out(`Storage pool ${name} deleted\n`);
  return 0;
}

function clearPool(store: Store, machine: Machine, { driver, source = '' }: Pool): void {
  if (driver === 'dir')
    for (const folder of FOLDERS)
      rmSync(join(store.root(machine.name), source, folder), { recursive: true, force: true });
  for (const name of Object.keys(machine.datasets))
    if (driver === 'zfs' && name.startsWith(`${source}/`)) Reflect.deleteProperty(machine.datasets, name);
}

/** With a member that leaves, everything in the place of its pool goes: of a dataset, that as well. */
export function removePlace(store: Store, machine: Machine, { driver = 'zfs', source }: Pool, otherwise: string): void {
  const place = source ?? otherwise;
  if (driver === 'dir') {
    const path = join(store.root(machine.name), place);
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
    return;
  }
  for (const name of Object.keys(machine.datasets))
    if (name === place || name.startsWith(`${place}/`)) Reflect.deleteProperty(machine.datasets, name);
}

function fillDataset(machine: Machine, source: string): void {
  const { datasets } = machine;
  const dataset = datasets[source];
  if (!dataset && !machine.zpools?.[source.split('/')[0] ?? ''])
    throw new ToolError(`Error: Provided ZFS pool (or dataset) does not exist`);
  const isFilled = Object.keys(datasets).some((name) => name.startsWith(`${source}/`));
  if (isFilled || Object.keys(dataset?.snapshots ?? {}).length > 0)
    throw new ToolError(`Error: Provided ZFS pool (or dataset) isn't empty`);
  for (const name of ['', ...DATASETS.map((each) => `/${each}`)]) datasets[`${source}${name}`] = { snapshots: {} };
}

function fillFolder(root: string, source: string): void {
  const path = join(root, source);
  if (!existsSync(path)) throw new ToolError(`Error: Source path '${source}' doesn't exist`);
  if (readdirSync(path).length > 0) throw new ToolError(`Error: Source path '${source}' isn't empty`);
  for (const folder of FOLDERS) mkdirSync(join(path, folder));
}
