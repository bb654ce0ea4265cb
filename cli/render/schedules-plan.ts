import type { ScheduleChange, SchedulesPlan, ScheduleTexts } from '../../plan/schedules.ts';
import { clean } from './clean.ts';
import { marked } from './marked.ts';
import { painter, type Colour } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { wrap } from './text.ts';
import { count } from './units.ts';

/** What `apply` shows before it asks. Its JSON is documented in docs/cli.md. */
export interface ShownPlan extends SchedulesPlan {
  fleet: string;
  revision: string;
  /** Fleets whose schedules are there as well, and are left alone. */
  otherFleets: string[];
  /** What changes of the clocks do within a year. */
  warnings: string[];
}

const MARKS: Record<ScheduleChange['type'], { symbol: string; colour: Colour }> = {
  create: { symbol: '+', colour: 'green' },
  update: { symbol: '~', colour: 'yellow' },
  delete: { symbol: '-', colour: 'red' },
  same: { symbol: '=', colour: 'blue' },
};

/** What differs between the fleet file and Temporal, and what to know. Pure. */
export function renderSchedulesPlan(plan: ShownPlan, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const { changes, staysPaused, warnings, otherFleets } = plan;
  const todo = changes.filter(({ type }) => type !== 'same').length;
  const head = `${clean(plan.fleet)} · revision ${clean(plan.revision).slice(0, 7)} · ${
    todo === 0 ? 'Temporal’s schedules are those of runbook.yaml' : count(todo, 'change')
  }`;
  const notes = [
    ...staysPaused.map(
      ({ name, note }) => `${name} stays paused, as a person wished (${note}): runbook schedules resume ${name}`,
    ),
    ...warnings,
    ...otherFleets.map((name) => `Schedules of the fleet ${name} are there as well, and are left alone.`),
  ];
  return [
    ...wrap(head, options.width).map((line) => paint('bold', line)),
    ...changes.flatMap((change) => {
      const { symbol, colour } = MARKS[change.type];
      const [first = '', ...rest] = wrap(clean(`${change.name}   ${aboutOf(change)}`), options.width - 4);
      return [`  ${paint(colour, symbol)} ${first}`, ...rest.map((line) => `    ${line}`)];
    }),
    ...notes.flatMap((note) => marked('!', note, options, paint)),
  ];
}

function aboutOf(change: ScheduleChange): string {
  switch (change.type) {
    case 'create':
      return textOf(change.texts);
    case 'update':
      return change.differences.map(({ field, from, to }) => `${field}: ${from} → ${to}`).join('; ');
    case 'delete':
      return `runbook.yaml declares it no longer: ${textOf(change.texts)}`;
    case 'same':
      return 'already so';
  }
}

const textOf = ({ runs, when, jitter }: ScheduleTexts): string =>
  `${runs}, ${when}${jitter === 'none' ? '' : `, up to ${jitter} later`}`;
