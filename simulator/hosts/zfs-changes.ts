import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Dataset, State, Volume } from '../core/state.ts';
import { datasetNamed, datasetsOf, isInUse, isWithin, pointsOf, volumeAt } from './zfs-datasets.ts';

/**
 * `zfs rename DATASET NAME`: with all that is below it. The dataset of a volume of Incus's goes out of its place, of which Incus
 * learns nothing, and one comes into a place that is empty.
 */
export async function rename(call: Call): Promise<number> {
  const [from = '', to = '', ...more] = call.args.slice(1);
  if (more.length > 0 || to === '') throw new Unknown('expected rename DATASET NAME');
  await call.update((state) => {
    const all = datasetsOf(state, call.machine);
    datasetNamed(all, from);
    if (all.has(to)) throw new ToolError(`cannot rename '${from}': dataset already exists`);
    const { datasets } = machineOf(state, call.machine);
    const volume = volumeAt(state, call.machine, from);
    if (volume !== undefined) datasets[from] = takeOut(state, volume);
    if (!datasets[from]) throw new Unknown('nobody is to rename what Incus has');
    const place = volumeAt(state, call.machine, to);
    if (place !== undefined) {
      const dataset = datasets[from];
      Reflect.deleteProperty(datasets, from);
      Object.assign(place, { dataset, renamed: 'other', content: dataset.content ?? 'as received' });
      return;
    }
    for (const [name, dataset] of Object.entries(datasets).filter(([each]) => isWithin(each, from))) {
      Reflect.deleteProperty(datasets, name);
      datasets[`${to}${name.slice(from.length)}`] = dataset;
    }
  });
  return 0;
}

function takeOut(state: State, volume: Volume): Dataset {
  if (isInUse(state, volume)) throw new Unknown('nobody is to rename what a running instance has');
  const dataset = { snapshots: {}, ...volume.dataset, content: volume.content };
  delete volume.dataset;
  volume.renamed = 'away';
  return dataset;
}

/** `zfs inherit PROPERTY DATASET`: of those of users. */
export async function inherit(call: Call): Promise<number> {
  const [property = '', name = '', ...more] = call.args.slice(1);
  if (more.length > 0 || !property.includes(':')) throw new Unknown('expected inherit PROPERTY DATASET, of a user');
  await call.update((state) => {
    const { properties = {} } = datasetNamed(datasetsOf(state, call.machine), name);
    Reflect.deleteProperty(properties, property);
  });
  return 0;
}

const QUOTAS = ['quota', 'refquota'];
const NATIVE = ['readonly', 'mountpoint', 'canmount', 'reservation', 'refreservation', ...QUOTAS];

/** `zfs set PROPERTY=VALUE… DATASET`: properties of users, and those of a dataset that is made ready to be mounted. */
export async function set(call: Call): Promise<number> {
  const assignments = call.args.slice(1, -1);
  const name = call.args.at(-1) ?? '';
  await call.update((state) => {
    const dataset = datasetNamed(datasetsOf(state, call.machine), name);
    for (const assignment of assignments) {
      const at = assignment.indexOf('=');
      const [property, value] = [assignment.slice(0, Math.max(at, 0)), assignment.slice(at + 1)];
      if (!property.includes(':') && !NATIVE.includes(property))
        throw new Unknown(`expected set with properties of users, or ${NATIVE.join(', ')}`);
      if (QUOTAS.includes(property) && value === '0')
        throw new ToolError(`cannot set property for '${name}': use 'none' to disable quota/refquota`, 255);
      const kept = QUOTAS.includes(property) && value === 'none' ? '0' : value;
      dataset.properties = { ...dataset.properties, [property]: kept };
      if (property === 'readonly') dataset.readonly = value === 'on';
    }
  });
  return 0;
}

/** `zfs rollback SNAPSHOT`: only to the newest one. */
export async function rollback(call: Call): Promise<number> {
  const [full = '', ...more] = call.args.slice(1);
  const [name = '', short = ''] = full.split('@');
  if (more.length > 0 || short === '') throw new Unknown('expected rollback SNAPSHOT');
  await call.update((state) => {
    const dataset = datasetNamed(datasetsOf(state, call.machine), name);
    const points = pointsOf(name, dataset.snapshots);
    const at = points.findIndex((point) => point.name === short);
    if (at === -1) throw new ToolError(`cannot open '${full}': dataset does not exist`);
    const newer = points.slice(at + 1).map((point) => `${name}@${point.name}`);
    if (newer.length > 0)
      throw new ToolError(
        `cannot rollback to '${full}': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the following snapshots and bookmarks:\n${newer.join('\n')}`,
      );
    delete dataset.written;
  });
  return 0;
}
