import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { datasetNamed, datasetsOf } from './zfs-datasets.ts';

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
