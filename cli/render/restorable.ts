import { formatBytes } from '../../plan/bytes.ts';
import { dated } from '../../plan/restore.ts';
import type { RestorableCopy, RestorableView } from '../../plan/restorable.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderTable, type Column } from './table.ts';
import { age } from './units.ts';

/** Every snapshot with its age and where it is; below the table what did not answer. Pure. */
export function renderRestorable(
  { copies, silent }: Pick<RestorableView, 'copies' | 'silent'>,
  options: RenderOptions,
): string[] {
  const paint = painter(options.colour);
  const table = renderTable(columnsAt(options.now), copies, { width: options.width, paint });
  return [
    ...(copies.length === 0 ? ['There is nothing to restore from.'] : table),
    ...(silent.length === 0 ? [] : ['']),
    ...silent.flatMap(({ place, problem }) => [
      ...marked('!', `${place}: ${problem.message}`, options, paint),
      ...marked(' ', problem.whatToDo, options, paint),
    ]),
  ];
}

const columnsAt = (now: number): Column<RestorableCopy>[] => [
  { title: 'what', value: ({ of }) => of, shrinksTo: 12 },
  { title: 'taken', value: ({ at }) => dated(at) },
  { title: 'age', align: 'right', value: ({ at }) => age(now - Date.parse(at)) },
  { title: 'size', align: 'right', value: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)) },
  { title: 'place', value: ({ kind, place }) => (kind === 'source' ? `${place} (itself)` : place), shrinksTo: 12 },
  { title: 'snapshot', value: ({ snapshot }) => snapshot, dispensable: true },
];
