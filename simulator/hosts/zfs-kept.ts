import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Dataset } from '../core/state.ts';

const COLUMNS = 'name,type,used,mounted,clones,userrefs';
const USED = 24_576;

const isWithin = (name: string, dataset: string): boolean => name === dataset || name.startsWith(`${dataset}/`);

/** `zfs get -Hp -s local -o name,property,value -t filesystem,volume PROPERTY,…`: of all datasets, what each has of its own. */
export function get({ args, store, machine, out }: Call): number {
  const asked = readOptions(args.slice(1), {
    flags: ['H', 'p'],
    values: ['s', 'o', 't'],
    short: { H: 'H', p: 'p', s: 's', o: 'o', t: 't' },
  });
  const given = ['s', 'o', 't'].map((option) => asked.value(option)).join(' ');
  if (given !== 'local name,property,value filesystem,volume' || asked.positionals.length !== 1)
    throw new Unknown('expected get -Hp -s local -o name,property,value -t filesystem,volume PROPERTIES');
  const wanted = asked.positionals[0]?.split(',') ?? [];
  for (const [name, { properties = {} }] of sorted(machineOf(store.read(), machine).datasets))
    for (const property of wanted)
      if (properties[property] !== undefined) out(`${name}\t${property}\t${properties[property]}\n`);
  return 0;
}

/** `zfs list -Hp -t filesystem,volume,snapshot -r -o name,type,used,mounted,clones,userrefs DATASET`. */
export function listParts({ store, machine, out }: Call, columns: string, name: string): number {
  if (columns !== COLUMNS) throw new Unknown(`expected -o ${COLUMNS}`);
  const { datasets } = machineOf(store.read(), machine);
  if (!datasets[name]) throw new ToolError(`cannot open '${name}': dataset does not exist`);
  for (const [own, { mounted = false, snapshots, type }] of sorted(datasets).filter(([each]) => isWithin(each, name))) {
    const isMounted = type === 'volume' ? '-' : mounted ? 'yes' : 'no';
    out(`${[own, type ?? 'filesystem', USED, isMounted, '-', '-'].join('\t')}\n`);
    for (const [snapshot, { clones = [], holds = 0, tags = [] }] of Object.entries(snapshots))
      out(`${[`${own}@${snapshot}`, 'snapshot', 0, '-', clones.join(',') || '-', holds + tags.length].join('\t')}\n`);
  }
  return 0;
}

/** `zfs list -Hp -t filesystem,volume -r -o name,type,origin,encryption DATASET`: Incus's own datasets are not among them. */
export function listTree({ store, machine, out }: Call, columns: string, name: string): number {
  if (columns !== 'name,type,origin,encryption') throw new Unknown('expected -o name,type,origin,encryption');
  const { datasets } = machineOf(store.read(), machine);
  if (!datasets[name]) throw new ToolError(`cannot open '${name}': dataset does not exist`);
  for (const [own] of sorted(datasets).filter(([each]) => isWithin(each, name)))
    out(`${[own, 'filesystem', '-', 'off'].join('\t')}\n`);
  return 0;
}

/** `zfs destroy -r DATASET`. */
export async function destroyAll({ machine, update }: Call, name: string): Promise<number> {
  await update((state) => {
    const { datasets } = machineOf(state, machine);
    if (!datasets[name]) throw new ToolError(`cannot open '${name}': dataset does not exist`);
    const own = Object.keys(datasets).filter((each) => isWithin(each, name));
    const snapshots = own.flatMap((each) => Object.values(datasets[each]?.snapshots ?? {}));
    if (
      snapshots.some(
        ({ clones = [], holds = 0, tags = [] }) =>
          holds + tags.length > 0 || clones.some((clone) => !isWithin(clone, name)),
      )
    )
      throw new Unknown('nobody is to destroy what is held or cloned');
    for (const each of own) Reflect.deleteProperty(datasets, each);
  });
  return 0;
}

const sorted = (datasets: Record<string, Dataset>): [string, Dataset][] =>
  Object.entries(datasets).sort(([a], [b]) => (a < b ? -1 : 1));
