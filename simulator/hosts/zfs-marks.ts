import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import type { Dataset, DatasetSnapshot } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { datasetNamed, datasetsOf, heldText, newPoint, parentOf, pointOf, snapshotNamed } from './zfs-datasets.ts';

type Datasets = Map<string, Dataset>;

/** Changes the datasets; new ones are kept, and what is not there any more goes. */
async function change<T>({ update, machine }: Call, act: (datasets: Datasets) => T): Promise<T> {
  return update((state) => {
    const datasets = datasetsOf(state, machine);
    const before = new Set(datasets.keys());
    const answer = act(datasets);
    const own = machineOf(state, machine).datasets;
    for (const [name, dataset] of datasets) if (!before.has(name)) own[name] = dataset;
    for (const name of before) if (!datasets.has(name)) Reflect.deleteProperty(own, name);
    return answer;
  });
}

/** `zfs snapshot DATASET@NAME`. */
export async function snapshot(call: Call): Promise<number> {
  const [full = '', ...more] = call.args.slice(1);
  if (more.length > 0 || !full.includes('@')) throw new Unknown('expected snapshot DATASET@NAME');
  await change(call, (datasets) => {
    const [name = '', short = ''] = full.split('@');
    const dataset = datasetNamed(datasets, name);
    if (dataset.snapshots[short]) throw new ToolError(`cannot create snapshot '${full}': dataset already exists`);
    dataset.snapshots[short] = { ...newPoint(name, dataset), ...((dataset.written ?? 0) > 0 ? { changed: true } : {}) };
    delete dataset.written;
  });
  return 0;
}

/** `zfs create [-u] [-s] [-V SIZE] [-o PROPERTY=VALUE…] DATASET`. */
export async function create(call: Call): Promise<number> {
  const asked = readOptions(call.args.slice(1), {
    flags: ['u', 's'],
    values: ['V', 'o'],
    short: { u: 'u', s: 's', V: 'V', o: 'o' },
  });
  const [name = '', ...more] = asked.positionals;
  const properties = asked.all('o');
  const known = ['canmount=off', 'mountpoint=none', 'readonly=on'];
  if (more.length > 0 || properties.some((each) => !known.includes(each)))
    throw new Unknown(`expected create [-u] [-s] [-V SIZE] [-o …] DATASET with ${known.join(', ')}`);
  await change(call, (datasets) => {
    if (datasets.has(name)) throw new ToolError(`cannot create '${name}': dataset already exists`);
    if (!/^[\w .:/-]+$/.test(name)) throw new ToolError(`cannot create '${name}': ${invalid(name)}`);
    const parent = parentOf(name);
    if (parent === undefined || !datasets.has(parent))
      throw new ToolError(`cannot create '${name}': ${orphan(name, datasets)}`);
    datasets.set(name, {
      snapshots: {},
      ...(asked.value('V') === undefined ? {} : { type: 'volume' as const }),
      ...(properties.includes('readonly=on') ? { readonly: true } : {}),
      ...(asked.has('u') || properties.includes('canmount=off') ? {} : { mounted: true }),
    });
  });
  return 0;
}

/** Of a letter of several bytes ZFS shows one, which is none by itself. */
const firstByte = (letter: string): string => (Buffer.byteLength(letter) > 1 ? '\ufffd' : letter);

const invalid = (name: string): string =>
  `invalid character '${firstByte(/[^\w .:/-]/.exec(name)?.[0] ?? '')}' in name`;

function orphan(name: string, datasets: Datasets): string {
  const pool = name.split('/')[0] ?? '';
  return datasets.has(pool) ? 'parent does not exist' : `no such pool '${pool}'`;
}

/** `zfs clone SNAPSHOT DATASET`. */
export async function clone(call: Call): Promise<number> {
  const [from = '', name = '', ...more] = call.args.slice(1);
  if (more.length > 0 || name === '') throw new Unknown('expected clone SNAPSHOT DATASET');
  await change(call, (datasets) => {
    const origin = snapshotNamed(datasets, from);
    datasets.set(name, { snapshots: {}, mounted: true });
    origin.clones = [...(origin.clones ?? []), name];
  });
  return 0;
}

/** `zfs hold TAG SNAPSHOT…` and `zfs release TAG SNAPSHOT…`: each for itself, whatever becomes of the others. */
export async function holdOrRelease(call: Call): Promise<number> {
  const [verb = '', tag = '', ...snapshots] = call.args;
  if (snapshots.length === 0 || tag.startsWith('-')) throw new Unknown(`expected ${verb} TAG SNAPSHOT…`);
  const complaints = await change(call, (datasets) =>
    snapshots.flatMap((full) => holdOne(datasets, full, tag, verb === 'hold') ?? []),
  );
  for (const complaint of complaints) call.err(`${complaint}\n`);
  return complaints.length === 0 ? 0 : 1;
}

function holdOne(datasets: Datasets, full: string, tag: string, holds: boolean): string | undefined {
  const [name = '', short = ''] = full.split('@');
  const dataset = datasets.get(name);
  if (!dataset) return `cannot open '${name}': dataset does not exist`;
  const failed = holds ? `cannot hold snapshot '${full}'` : `cannot release hold from snapshot '${full}'`;
  const found = dataset.snapshots[short];
  if (!found) return `${failed}: dataset does not exist`;
  const { tags = [] } = found;
  if (holds && tags.includes(tag)) return `${failed}: tag already exists on this dataset`;
  if (!holds && !tags.includes(tag)) return `${failed}: no such tag on this dataset`;
  found.tags = holds ? [...tags, tag] : tags.filter((each) => each !== tag);
  return undefined;
}

/** `zfs holds -H SNAPSHOT…`. */
export function holds({ args, store, machine, out, err }: Call): number {
  const [, option, ...snapshots] = args;
  if (option !== '-H' || snapshots.length === 0) throw new Unknown('expected holds -H SNAPSHOT…');
  const datasets = datasetsOf(store.read(), machine);
  const found = new Map<string, DatasetSnapshot>();
  for (const full of snapshots) {
    const [name = '', short = ''] = full.split('@');
    const one = datasets.get(name)?.snapshots[short];
    if (one) found.set(full, one);
    else err(`cannot open '${full}': dataset does not exist\n`);
  }
  for (const [full, { tags = [] }] of found) for (const tag of tags) out(`${full}\t${tag}\tSat Nov 28 03:46 2026\n`);
  if (found.size === 0) err('no datasets available\n');
  return found.size === new Set(snapshots).size ? 0 : 1;
}

/** `zfs bookmark DATASET@NAME DATASET#NAME`. */
export async function bookmark(call: Call): Promise<number> {
  const [full = '', to = '', ...more] = call.args.slice(1);
  const [name = '', short = ''] = to.split('#');
  if (more.length > 0 || !full.startsWith(`${name}@`) || short === '')
    throw new Unknown('expected bookmark DATASET@NAME DATASET#NAME');
  await change(call, (datasets) => {
    const snapshot = datasets.get(name)?.snapshots[full.slice(name.length + 1)];
    if (!snapshot) throw new ToolError(`cannot open '${full}': dataset does not exist\n${USAGE}`, 2);
    const of = pointOf(name, short, snapshot);
    const dataset = datasetNamed(datasets, name);
    const marks = (dataset.bookmarks ??= {});
    if (marks[short]) throw new ToolError(`cannot create bookmark '${to}': bookmark exists`);
    marks[short] = { creation: of.creation, guid: of.guid, createtxg: of.createtxg };
  });
  return 0;
}

/** What ZFS says after how a command is used. */
export const MORE_HELP = `
For the property list, run: zfs set|get

For the delegated permission list, run: zfs allow|unallow

For further help on a command or topic, run: zfs help [<topic>]`;

const USAGE = `usage:
	bookmark <snapshot|bookmark> <newbookmark>
${MORE_HELP}`;

/** `zfs destroy DATASET#NAME`. */
export async function destroyBookmark(call: Call, full: string): Promise<number> {
  await change(call, (datasets) => {
    const [name = '', short = ''] = full.split('#');
    const marks = datasets.get(name)?.bookmarks;
    if (!marks?.[short]) throw new ToolError(`bookmark '${full}' does not exist.`);
    Reflect.deleteProperty(marks, short);
  });
  return 0;
}

/** `zfs destroy DATASET@NAME,NAME…`: all of those that are there, or none. */
export async function destroySnapshots(call: Call, full: string): Promise<number> {
  await change(call, (datasets) => {
    const [name = '', list = ''] = full.split('@');
    const { snapshots } = datasetNamed(datasets, name);
    const there = list.split(',').filter((short) => snapshots[short] !== undefined);
    if (there.length === 0) throw new ToolError('could not find any snapshots to destroy; check snapshot names.');
    const cloned = there.find((short) => (snapshots[short]?.clones ?? []).length > 0);
    if (cloned !== undefined) throw new ToolError(clonedText(`${name}@${cloned}`, snapshots[cloned]?.clones ?? []));
    const held = there.filter((short) => {
      const { tags = [], holds: more = 0 } = snapshots[short] ?? {};
      return tags.length + more > 0;
    });
    if (held.length > 0) throw new ToolError(held.map((short) => heldText(`${name}@${short}`)).join('\n'));
    for (const short of there) Reflect.deleteProperty(snapshots, short);
  });
  return 0;
}

const clonedText = (full: string, clones: readonly string[]): string =>
  `cannot destroy '${full}': snapshot has dependent clones\nuse '-R' to destroy the following datasets:\n${clones.join('\n')}`;
