import { isUnknown, type DriftRow } from '../../plan/drift-seen.ts';
import type { RunResult } from '../../plan/run.ts';
import { marked } from './marked.ts';
import { painter, type Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderTable, type Column } from './table.ts';
import { clean } from './clean.ts';
import { wrap } from './text.ts';
import { age } from './units.ts';

/** The newest look, and how old it is. */
export interface DriftView {
  workflowId: string;
  runId: string;
  /** ISO 8601: when it was looked. */
  at: string;
  revision: string;
  result: Pick<RunResult, 'outcome' | 'summary'>;
  rows: DriftRow[];
  /** A newer one is under way. */
  underWay: boolean;
}

/** What differs, as one table, and when that was looked at. Pure. */
export function renderDrift(view: DriftView, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const { result, at, revision, workflowId, rows, underWay } = view;
  const when = `Looked at ${age(options.now - Date.parse(at))} ago, revision ${revision.slice(0, 7)}${underWay ? '; it is being looked at again' : ''}.`;
  return [
    ...wrap(clean(result.summary), options.width).map((line) => paint('bold', line)),
    ...wrap(when, options.width),
    ...(rows.length === 0 ? [] : ['', ...driftLines(rows, options, paint)]),
    '',
    ...wrap(
      underWay ? `runbook watch ${clean(workflowId)}` : `${startCommand(workflowId)}   looks again`,
      options.width,
    ),
  ];
}

const startCommand = (workflowId: string): string => {
  const subject = workflowId.slice('drift/'.length);
  return `runbook start drift${subject === 'all' ? '' : ` --node ${subject}`}`;
};

/** One table, and below it what to do about each row; of what could not be looked at also why. Pure. */
export function driftLines(rows: readonly DriftRow[], options: RenderOptions, paint: Paint): string[] {
  return [
    ...renderTable(COLUMNS, rows, { width: options.width, paint }),
    '',
    ...grouped(rows).flatMap(({ mark, text, whatToDo }) => [
      ...marked(mark, text, options, paint),
      ...marked(' ', whatToDo, options, paint),
    ]),
  ];
}

const COLUMNS: readonly Column<DriftRow>[] = [
  { title: 'what', value: ({ subject }) => subject, shrinksTo: 14 },
  { title: 'where', value: ({ where }) => where, shrinksTo: 9 },
  {
    title: 'kind',
    value: ({ kind }) => kind,
    paint: (row, text, paint) => paint(isUnknown(row) ? 'yellow' : 'red', text),
  },
  { title: 'declared', value: ({ declared }) => declared, shrinksTo: 12 },
  { title: 'found', value: ({ found }) => found, shrinksTo: 12 },
];

/** Rows of which one command is the remedy are one. */
function grouped(rows: readonly DriftRow[]): { mark: string; text: string; whatToDo: string }[] {
  const seen = new Map<string, { mark: string; texts: string[]; whatToDo: string }>();
  for (const row of rows) {
    const { subject, found, whatToDo } = row;
    const key = `${isUnknown(row) ? found : ''}\n${whatToDo}`;
    const known = seen.get(key) ?? { mark: isUnknown(row) ? '?' : '!', texts: [], whatToDo };
    known.texts.push(subject);
    seen.set(key, known);
  }
  return [...seen].map(([key, { mark, texts, whatToDo }]) => {
    const why = key.slice(0, key.indexOf('\n'));
    return { mark, text: `${[...new Set(texts)].join(', ')}${why === '' ? '' : `: ${why}`}`, whatToDo };
  });
}
