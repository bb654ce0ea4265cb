import { isOpen } from '../run-state.ts';
import type { RunSummary } from '../temporal/list-runs.ts';
import { painter, type Colour } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { renderTable, type Column } from './table.ts';
import { age, between, dateTime, took } from './units.ts';

/** Recent runs as a table. Pure. */
export function renderList(runs: readonly RunSummary[], options: RenderOptions): string[] {
  if (runs.length === 0) return ['No runs.'];
  return renderTable(columns(options.now), runs, { width: options.width, paint: painter(options.colour) });
}

const columns = (now: number): Column<RunSummary>[] => [
  // Commands take it as it is, so it is the last to be cut.
  { title: 'RUN', value: ({ workflowId }) => workflowId, shrinksTo: 16 },
  {
    title: 'OUTCOME',
    value: outcomeOf,
    paint: (run, text, paint) => paint(COLOURS[outcomeOf(run)] ?? 'cyan', text),
  },
  { title: 'TOOK', value: (run) => took(between(run.startedAt, run.closedAt ?? new Date(now).toISOString())) },
  { title: 'STARTED', value: ({ startedAt }) => `${age(now - Date.parse(startedAt))} ago` },
  { title: 'AT (UTC)', value: ({ startedAt }) => dateTime(startedAt), dispensable: true },
  { title: 'RUN ID', value: ({ runId }) => runId, dispensable: true },
];

const COLOURS: Record<string, Colour> = {
  done: 'green',
  'already so': 'blue',
  'rolled back': 'yellow',
  failed: 'red',
  terminated: 'red',
  'timed out': 'red',
};

/** `verify …` while it is open, then its outcome; a run that ended without one shows Temporal's word. */
export function outcomeOf({ status, outcome, phase }: RunSummary): string {
  if (isOpen(status)) return phase === undefined ? 'running' : `running: ${phase}`;
  return WORDS[outcome ?? status] ?? (outcome ?? status).toLowerCase();
}

const WORDS: Record<string, string> = {
  AlreadySo: 'already so',
  RolledBack: 'rolled back',
  Completed: 'done',
  Canceled: 'cancelled',
  TimedOut: 'timed out',
};
