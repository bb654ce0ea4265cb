import type { RunResult } from '../../plan/run.ts';
import { belongsTo } from '../run-state.ts';
import type { RunRecord, StepRecord } from '../run-history.ts';
import { painter } from './paint.ts';
import { decisionText } from './decision.ts';
import { besideEnding } from './ending.ts';
import { noteLines, outcomeWord, waitingLines, type RenderOptions } from './run.ts';
import { activityLines, stateWord, stepTime, symbolOf } from './steps.ts';
import { renderTable, type Column } from './table.ts';
import { clean } from './clean.ts';
import { wrap } from './text.ts';
import { between, dateTime, took } from './units.ts';

/** A run as a page for the terminal: what it is, its steps as a table, who did what, how it ended. Pure. */
export function renderRecord(record: RunRecord, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const { run, steps } = record;
  const now = run.closedAt === undefined ? options.now : Date.parse(run.closedAt);
  const facts = [
    ['run id', run.runId],
    [
      run.closedAt === undefined ? 'now' : 'outcome',
      `${outcomeWord(run)}${run.closedAt === undefined ? ` for ${took(between(run.startedAt, new Date(now).toISOString()))}` : ` after ${took(between(run.startedAt, run.closedAt))}`}`,
    ],
    ['started', `${dateTime(run.startedAt)} UTC by ${record.startedBy}`],
    ...(run.view === undefined
      ? []
      : [
          ['revision', run.view.revision],
          ['name', run.view.name],
        ]),
  ];
  const lines = [
    ...wrap(clean(run.workflowId), options.width).map((line) => paint('bold', line)),
    ...facts.flatMap(([name = '', value = '']) =>
      wrap(clean(value), options.width - 10).map(
        (line, at) => `${paint('dim', (at === 0 ? name : '').padEnd(10))}${line}`,
      ),
    ),
    '',
    ...(steps.length === 0
      ? servesRuns(run.workflowId)
        ? []
        : ['No step was begun.']
      : renderTable(columns(now), steps, { width: options.width, paint })),
    ...steps.flatMap((step) => details(record, step, options)),
  ];
  const events = happenings(record).flatMap((line) => wrap(clean(line), options.width));
  const end =
    run.view === undefined
      ? noteLines(run, options, paint)
      : [...waitingLines(run, run.view, options, paint), ...noteLines(run, options, paint)];
  const note = record.reconstructed ? wrap(clean(reconstructedNote(run.workflowId)), options.width) : [];
  return [...lines, ...section(events), ...section(end), ...section(note), ...handOver(run.view?.result)];
}

/** Texts for the monorepo, as they are: they are copied from here. */
const handOver = (result: RunResult | undefined): string[] =>
  (result?.handOver ?? []).flatMap(({ path, text }) => [
    '',
    `For ${clean(path)}:`,
    '',
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `  ${clean(line)}`.trimEnd()),
  ]);

const servesRuns = (workflowId: string): boolean => /^(lock|doctor|glance)\//.test(workflowId);

/** Why the steps are not the run's own. */
export const reconstructedNote = (workflowId: string): string =>
  servesRuns(workflowId)
    ? 'This serves runs and is none itself: it has no steps of its own.'
    : 'No worker told more: the steps are those of the run’s history.';

const section = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines]);

const columns = (now: number): Column<StepRecord>[] => [
  {
    title: '',
    value: (step) => symbolOf(step).symbol,
    paint: (step, text, paint) => paint(symbolOf(step).colour, text),
  },
  { title: 'PHASE', value: ({ phase }) => phase },
  { title: 'STEP', value: ({ title }) => title, shrinksTo: 12 },
  { title: 'STATE', value: stateWord },
  { title: 'TOOK', value: (step) => stepTime(step, now), align: 'right' },
  { title: 'ATTEMPTS', value: ({ attempts }) => (attempts === 0 ? '' : String(attempts)), align: 'right' },
  { title: 'STARTED', value: ({ startedAt }) => (startedAt === undefined ? '' : dateTime(startedAt).slice(11)) },
];

/** What does not fit a table: why a step failed, what its retries met, what it is doing now. */
function details({ run }: RunRecord, step: StepRecord, { width, now }: RenderOptions): string[] {
  const { detail } = besideEnding(step, run.view?.result);
  const failed = step.state === 'failed';
  const words = [
    ...(failed || step.state === 'already' ? [detail] : []),
    ...(step.attempts > 1 && step.lastError !== step.detail
      ? [`last error of ${step.attempts} attempts: ${step.lastError ?? 'unknown'}`]
      : []),
    ...(run.closedAt === undefined
      ? activityLines(
          step,
          run.pending.filter(({ activityId }) => belongsTo(step, activityId)),
          now,
        )
      : []),
  ].filter((text) => text !== undefined);
  return [...new Set(words)].flatMap((text) =>
    wrap(`${clean(step.title)}: ${clean(text)}`, width - 4).map((line) => `    ${line}`),
  );
}

/** Decisions and interventions in their order. */
function happenings({ run, interventions }: RunRecord): string[] {
  const decisions = (run.view?.decisions ?? []).map((decision) => ({
    at: decision.at,
    text: decisionText(decision),
  }));
  return [...decisions, ...interventions]
    .sort((a, b) => a.at.localeCompare(b.at))
    .map(({ at, text }) => `${dateTime(at)}  ${text}`);
}
