import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import type { Dataset } from '../core/state.ts';
import { CHANGED_BYTES, datasetNamed, datasetsOf, isWithin, pointsOf } from './zfs-datasets.ts';

const POINTS = 'snapshot,bookmark name,guid,createtxg';
const DETAILS = 'snapshot name,guid,createtxg,creation,userrefs,clones';
const SIZES = 'snapshot name,referenced';
const DATASETS = 'filesystem,volume name,type,encryption,keystatus,readonly,mounted,used,written,receive_resume_token';
const USED = 24_576;

/** Whether it is one of the four lists of {@link inventory}. */
export function isInventory(args: readonly string[]): boolean {
  return (
    args[0] === 'list' &&
    [POINTS, DETAILS, SIZES, DATASETS].some((known) => args.slice(3, -1).join(' ') === asWords(known))
  );
}

const asWords = (known: string): string => `-t ${known.replace(' ', ' -o ')}`;

/** `zfs list -Hp -r -t TYPES -o COLUMNS DATASET` as replication asks it. */
export function inventory({ args, store, machine, out }: Call): number {
  const asked = readOptions(args.slice(1), {
    flags: ['H', 'p', 'r'],
    values: ['t', 'o'],
    short: { H: 'H', p: 'p', r: 'r', t: 't', o: 'o' },
  });
  const [root = '', ...more] = asked.positionals;
  if (more.length > 0) throw new Unknown('expected list -Hp -r -t TYPES -o COLUMNS DATASET');
  const datasets = datasetsOf(store.read(), machine);
  datasetNamed(datasets, root);
  for (const [name, dataset] of [...datasets].filter(([each]) => isWithin(each, root))) {
    if (asked.value('t') === 'snapshot,bookmark') {
      for (const point of pointsOf(name, dataset.snapshots))
        out(`${[`${name}@${point.name}`, point.guid, point.createtxg].join('\t')}\n`);
      for (const point of pointsOf(name, dataset.bookmarks))
        out(`${[`${name}#${point.name}`, point.guid, point.createtxg].join('\t')}\n`);
      continue;
    }
    if (asked.value('o') === 'name,referenced') {
      for (const [at, point] of pointsOf(name, dataset.snapshots).entries())
        out(`${name}@${point.name}\t${USED + at * CHANGED_BYTES}\n`);
      continue;
    }
    if (asked.value('t') === 'snapshot') {
      for (const point of pointsOf(name, dataset.snapshots)) out(`${details(name, dataset, point).join('\t')}\n`);
      continue;
    }
    const { type = 'filesystem', key, mounted = false, readonly = false, written = 0, snapshots, partial } = dataset;
    const isMounted = type === 'volume' ? '-' : mounted ? 'yes' : 'no';
    const used = USED + Object.keys(snapshots).length * CHANGED_BYTES;
    const own = [key === undefined ? 'off' : 'aes-256-gcm', key ?? '-', readonly ? 'on' : 'off', isMounted];
    out(`${[name, type, ...own, used, written, partial?.token ?? '-'].join('\t')}\n`);
  }
  return 0;
}

function details(
  dataset: string,
  { snapshots }: Dataset,
  { name, guid, createtxg }: ReturnType<typeof pointsOf>[number],
): (string | number)[] {
  const { creation = 0, tags = [], holds = 0, clones = [] } = snapshots[name] ?? {};
  return [
    `${dataset}@${name}`,
    guid,
    createtxg,
    creation,
    tags.length + holds,
    clones.length === 0 ? '-' : clones.join(','),
  ];
}
