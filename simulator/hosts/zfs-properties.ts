import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { datasetNamed, datasetsOf } from './zfs-datasets.ts';

/** `zfs set NAME=VALUE… DATASET`. Of the native ones only `readonly` changes anything. */
export async function set({ args, machine, update }: Call): Promise<number> {
  const assignments = args.slice(1, -1);
  if (assignments.length === 0 || assignments.some((each) => !/^[a-z:]+=/.test(each)))
    throw new Unknown('expected set NAME=VALUE… DATASET');
  await update((state) => {
    const dataset = datasetNamed(datasetsOf(state, machine), args.at(-1) ?? '');
    for (const assignment of assignments) {
      const at = assignment.indexOf('=');
      const [name, value] = [assignment.slice(0, at), assignment.slice(at + 1)];
      dataset.properties = { ...dataset.properties, [name]: value };
      if (name === 'readonly') dataset.readonly = value === 'on';
    }
  });
  return 0;
}

/** `zfs get -Hp -s local -o property,value all DATASET`: what was set on it. */
export function getAll({ args, store, machine, out }: Call): number {
  const asked = readOptions(args.slice(1), {
    flags: ['H', 'p'],
    values: ['s', 'o'],
    short: { H: 'H', p: 'p', s: 's', o: 'o' },
  });
  const [all, name = '', ...more] = asked.positionals;
  if (asked.value('s') !== 'local' || all !== 'all' || more.length > 0)
    throw new Unknown('expected get -Hp -s local -o property,value all DATASET');
  const { properties = {} } = datasetNamed(datasetsOf(store.read(), machine), name);
  for (const [property, value] of Object.entries(properties)) out(`${property}\t${value}\n`);
  return 0;
}
