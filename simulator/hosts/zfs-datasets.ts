import { createHash } from 'node:crypto';
import { ToolError } from '../core/call.ts';
import type { Dataset, DatasetPoint, DatasetSnapshot, Instance, Pool, State, Volume } from '../core/state.ts';
import { machineOf } from '../core/store.ts';
import { instanceStatus } from '../incus/view.ts';

/** What Incus calls a snapshot of a volume in ZFS. */
const INCUS = 'snapshot-';

/**
 * A machine's datasets as ZFS sees them: its own, those of Incus's custom volumes, and pools and parents, which are in no state.
 * What is changed in them is changed in the state.
 */
export function datasetsOf(state: State, machine: string): Map<string, Dataset> {
  const found = new Map(Object.entries(machineOf(state, machine).datasets));
  for (const volume of Object.values(state.cluster.volumes)) {
    const name = placeOf(state, volume, machine);
    if (name !== undefined && volume.renamed !== 'away') found.set(name, datasetOf(state, volume, name));
  }
  const pools = [...Object.keys(machineOf(state, machine).zpools ?? {}), ...zpoolsOfIncus(state, machine)];
  for (const pool of pools) if (!found.has(pool)) found.set(pool, { snapshots: {}, mounted: true });
  for (const name of [...found.keys()])
    for (let parent = parentOf(name); parent !== undefined && !found.has(parent); parent = parentOf(parent))
      found.set(parent, { snapshots: {}, mounted: true });
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Throws as ZFS does where there is none. */
export function datasetNamed(datasets: ReadonlyMap<string, Dataset>, name: string): Dataset {
  const dataset = datasets.get(name);
  if (!dataset) throw new ToolError(`cannot open '${name}': dataset does not exist`);
  return dataset;
}

/** Throws as ZFS does where there is no such snapshot. */
export function snapshotNamed(datasets: ReadonlyMap<string, Dataset>, full: string): DatasetSnapshot {
  const [name = '', snapshot = ''] = full.split('@');
  const found = datasets.get(name)?.snapshots[snapshot];
  if (!found) throw new ToolError(`cannot open '${full}': dataset does not exist`);
  return found;
}

export function parentOf(name: string): string | undefined {
  const at = name.lastIndexOf('/');
  return at === -1 ? undefined : name.slice(0, at);
}

export const isWithin = (name: string, root: string): boolean => name === root || name.startsWith(`${root}/`);

/** A snapshot or bookmark of a dataset, all numbers known, in the order in which they were made. */
export interface Point extends Required<DatasetPoint> {
  name: string;
}

/** A word that stands for all data of a snapshot. */
export const contentOf = ({ content = 'as created' }: DatasetSnapshot): string => content;

export function pointsOf(dataset: string, points: Readonly<Record<string, DatasetPoint>> = {}): Point[] {
  return Object.entries(points)
    .map(([name, point]) => pointOf(dataset, name, point))
    .sort((a, b) => Number(BigInt(a.createtxg) - BigInt(b.createtxg)));
}

export function pointOf(dataset: string, name: string, { creation, guid, createtxg }: DatasetPoint): Point {
  return {
    name,
    creation,
    guid: guid ?? guidFrom(`${dataset}@${name} ${creation}`),
    createtxg: createtxg ?? String(creation * 1000),
  };
}

export function guidFrom(text: string): string {
  return BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 16)}`).toString();
}

/** A new one, later than all that the dataset has. */
export function newPoint(
  name: string,
  dataset: Dataset,
  of: { guid?: string; creation?: number } = {},
): Required<DatasetPoint> {
  const now = Date.now();
  const all = [...pointsOf(name, dataset.snapshots), ...pointsOf(name, dataset.bookmarks)];
  const last = all.reduce((most, { createtxg }) => Math.max(most, Number(createtxg)), 0);
  return {
    creation: of.creation ?? Math.floor(now / 1000),
    guid: of.guid ?? guidFrom(`${name} ${process.hrtime.bigint()} ${process.pid}`),
    createtxg: String(Math.max(now, last + 1)),
  };
}

/** So many bytes stand for what a snapshot changes. */
export const CHANGED_BYTES = 40_000;

/** The volume of Incus's whose place in ZFS that is, whether its dataset is there or not. */
export const volumeAt = (state: State, machine: string, name: string): Volume | undefined =>
  Object.values(state.cluster.volumes).find((each) => placeOf(state, each, machine) === name);

/** Whether an instance that runs has it among its devices. */
export const isInUse = (state: State, { pool, name }: Volume): boolean =>
  usersIn(state, { pool, name }).some((instance) => instanceStatus(state, instance).status === 'Running');

const usersIn = (state: State, { pool, name }: Pick<Volume, 'pool' | 'name'>): Instance[] =>
  Object.values(state.cluster.instances).filter(({ devices }) =>
    Object.values(devices).some((device) => device['pool'] === pool && device['source'] === name),
  );

function placeOf(state: State, { pool, location, project, name }: Volume, machine: string): string | undefined {
  if ((state.cluster.members[location]?.machine ?? location) !== machine) return undefined;
  const place = state.cluster.pools[pool]?.[location];
  const root = place === undefined ? undefined : zfsPlace(pool, place);
  return root === undefined ? undefined : `${root}/custom/${project}_${name}`;
}

function zfsPlace(pool: string, { driver = 'zfs', source }: Pool): string | undefined {
  return driver === 'zfs' ? (source ?? `${pool}/incus`) : undefined;
}

/** The zpools that Incus has its own in. */
function zpoolsOfIncus(state: State, machine: string): string[] {
  return Object.entries(state.cluster.pools).flatMap(([pool, places]) =>
    Object.entries(places).flatMap(([location, place]) => {
      const isHere = (state.cluster.members[location]?.machine ?? location) === machine;
      return isHere ? (zfsPlace(pool, place)?.split('/')[0] ?? []) : [];
    }),
  );
}

/** Follows what Incus has made and removed meanwhile, and is mounted while an instance that has it runs. */
function datasetOf(state: State, volume: Volume, name: string): Dataset {
  const dataset = (volume.dataset ??= { snapshots: {}, mounted: true });
  if (usersIn(state, volume).length > 0) dataset.mounted = isInUse(state, volume);
  if (volume.renamed === 'other') return dataset;
  for (const [snapshot, { createdAt, content }] of Object.entries(volume.snapshots)) {
    const made = Date.parse(createdAt);
    // The same whoever looks first: what only reads keeps nothing.
    const guid = guidFrom(`${name}@${snapshot} ${createdAt}`);
    dataset.snapshots[`${INCUS}${snapshot}`] ??= {
      ...{ creation: Math.floor(made / 1000), guid, createtxg: String(made), content },
    };
  }
  for (const snapshot of Object.keys(dataset.snapshots))
    if (snapshot.startsWith(INCUS) && !(snapshot.slice(INCUS.length) in volume.snapshots))
      Reflect.deleteProperty(dataset.snapshots, snapshot);
  return dataset;
}

/** Why ZFS does not let Incus delete a snapshot of a volume: the text of Incus. */
export function heldByZfs(state: State, volume: Volume, snapshot: string): string | undefined {
  const [name, dataset] = ownDataset(state, volume) ?? [];
  const { tags = [], holds = 0 } = dataset?.snapshots[`${INCUS}${snapshot}`] ?? {};
  if (name === undefined || tags.length + holds === 0) return undefined;
  const full = `${name}@${INCUS}${snapshot}`;
  return `Error: Failed to run: zfs destroy -r ${full}: exit status 1 (${heldText(full)})`;
}

/** Why ZFS does not let Incus go back to a snapshot of a volume that is its newest: the text of Incus. */
export function newerInZfs(state: State, volume: Volume, snapshot: string): string | undefined {
  const [name, dataset] = ownDataset(state, volume) ?? [];
  const back = dataset?.snapshots[`${INCUS}${snapshot}`];
  if (name === undefined || dataset === undefined || back === undefined) return undefined;
  const { createtxg } = pointOf(name, snapshot, back);
  const newer = (points: Dataset['bookmarks']): Point[] =>
    pointsOf(name, points).filter((point) => BigInt(point.createtxg) > BigInt(createtxg));
  if (newer(dataset.snapshots).length > 0)
    return `Error: Snapshot "${snapshot}" cannot be restored due to subsequent internal snapshot(s) (from a copy)`;
  const marks = newer(dataset.bookmarks).map((mark) => `${name}#${mark.name}`);
  if (marks.length === 0) return undefined;
  const full = `${name}@${INCUS}${snapshot}`;
  return `Error: Failed to run: zfs rollback ${full}: exit status 1 (cannot rollback to '${full}': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the following snapshots and bookmarks:\n${marks.join('\n')})`;
}

function ownDataset(state: State, volume: Volume): [string, Dataset] | undefined {
  const member = state.cluster.members[volume.location]?.machine ?? volume.location;
  const name = placeOf(state, volume, member);
  return name === undefined || volume.renamed === 'away' ? undefined : [name, datasetOf(state, volume, name)];
}

export const heldText = (full: string): string =>
  `cannot destroy snapshot ${full}: it's being held. Run 'zfs holds -r ${full}' to see holders.`;
