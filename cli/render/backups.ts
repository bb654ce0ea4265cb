import type { BackupsView } from '../../plan/backups-view.ts';
import { describeCopy, type JudgedCopy } from '../../plan/copy-age.ts';
import { marked } from './ending.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderTable, type Column } from './table.ts';
import { wrap } from './text.ts';
import { age } from './units.ts';

/** Every copy with its age, and below the table why what is not fresh is not. Pure. */
export function renderBackups({ copies, problems, upkeep }: BackupsView, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const late = copies.filter(({ outcome }) => outcome !== 'fresh');
  const head = late.length === 0 ? 'Every copy is fresh.' : `Not fresh: ${late.length} of ${copies.length} copies.`;
  return [
    ...wrap(copies.length === 0 ? 'No copy is declared.' : head, options.width).map((line) => paint('bold', line)),
    ...(copies.length === 0 ? [] : ['', ...renderTable(COLUMNS, copies, { width: options.width, paint })]),
    ...(late.length + problems.length + upkeep.length === 0 ? [] : ['']),
    ...problems.flatMap(({ message, whatToDo }) => [
      ...marked('✘', message, options, paint),
      ...marked(' ', whatToDo, options, paint),
    ]),
    ...late.flatMap((copy) =>
      lateLines(copy).flatMap((line, at) => marked(at === 0 ? '!' : ' ', line, options, paint)),
    ),
    ...upkeep.flatMap(({ repository, message }) => marked('!', `${repository}: ${message}`, options, paint)),
  ];
}

const lateLines = (copy: JudgedCopy): string[] => [
  describeCopy(copy),
  copy.problem?.whatToDo ?? 'runbook start nightly-backup   makes a copy now',
];

const COLUMNS: readonly Column<JudgedCopy>[] = [
  { title: 'what', value: ({ of }) => of, shrinksTo: 12 },
  { title: 'place', value: ({ place }) => place, shrinksTo: 12 },
  {
    title: 'newest copy',
    align: 'right',
    value: ({ newest, ageMs }) =>
      newest.type === 'copy' && ageMs !== undefined ? age(ageMs) : newest.type === 'none' ? 'none' : '?',
  },
  {
    title: 'state',
    value: ({ outcome }) => outcome,
    paint: ({ outcome }, text, paint) =>
      paint(outcome === 'fresh' ? 'green' : outcome === 'stale' ? 'yellow' : 'red', text),
  },
];
