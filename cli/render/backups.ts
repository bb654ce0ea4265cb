import type { BackupsView } from '../../plan/backups-view.ts';
import { describeCopy, type JudgedCopy } from '../../plan/copy-age.ts';
import { formatBytes } from '../../plan/bytes.ts';
import { outcomeTone, proofTone } from '../fleet-copies.ts';
import { marked } from './marked.ts';
import { painter } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { inTone } from './tone.ts';
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
    ...(copies.length === 0 ? [] : ['', ...renderTable(columnsFor(copies), copies, { width: options.width, paint })]),
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

const provenWords = ({ proof }: JudgedCopy): string => {
  switch (proof?.type) {
    case undefined:
      return '?';
    case 'never':
      return 'never';
    case 'failed':
      return 'failed';
    case 'proven':
      return `${age(proof.ageMs)}${proof.isOld ? ' !' : ''}`;
  }
};

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
    paint: ({ outcome }, text, paint) => inTone(outcomeTone(outcome), text, paint),
  },
  {
    title: 'proven',
    align: 'right',
    value: provenWords,
    paint: ({ proof }, text, paint) => (proof === undefined ? text : inTone(proofTone(proof), text, paint)),
  },
];

/** Where any was measured. */
const MEASURED: readonly Column<JudgedCopy>[] = [
  {
    title: 'restore takes',
    dispensable: true,
    align: 'right',
    value: ({ proof }) =>
      proof?.type === 'proven' && proof.seconds !== undefined ? age(Math.max(1, proof.seconds) * 1000) : '',
  },
  {
    title: 'size',
    dispensable: true,
    align: 'right',
    value: ({ proof }) => (proof?.type === 'proven' && proof.bytes !== undefined ? formatBytes(proof.bytes) : ''),
  },
];

const columnsFor = (copies: readonly JudgedCopy[]): readonly Column<JudgedCopy>[] =>
  copies.some(({ proof }) => proof?.type === 'proven' && proof.seconds !== undefined)
    ? [...COLUMNS, ...MEASURED]
    : COLUMNS;
