import { inZone } from '../../fleet/calendar.ts';
import type { ScheduleChange } from '../../plan/schedules.ts';
import type { SeenSchedule } from '../fleet-schedules.ts';
import { clean } from './clean.ts';
import { marked } from './marked.ts';
import { painter, type Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { foldLine, wrap } from './text.ts';
import { age } from './units.ts';

/** One of `schedules list`. Its JSON is documented in docs/cli.md. */
export interface ListedSchedule extends SeenSchedule {
  /** How the run ended that began last; `Running` while it is open. */
  outcome?: string;
  /** What `apply` would do. */
  toApply: ScheduleChange['type'];
}

/** Schedules with what they did and what they do next. `missing`: declared, and not in Temporal. Pure. */
export function renderSchedules(
  { listed, missing }: { listed: readonly ListedSchedule[]; missing: readonly string[] },
  options: RenderOptions,
): string[] {
  const paint = painter(options.colour);
  const absent = missing.map(
    (name) => `${name} is declared in runbook.yaml and not in effect: runbook schedules apply`,
  );
  return [
    ...(listed.length + missing.length === 0 ? ['No schedules.'] : []),
    ...listed.flatMap((schedule) => linesOf(schedule, options, paint)),
    ...absent.flatMap((text) => marked('!', text, options, paint)),
  ];
}

function linesOf(schedule: ListedSchedule, options: RenderOptions, paint: Paint): string[] {
  const { name, texts, paused, note, missed, skipped, trouble, toApply } = schedule;
  const head = `${name}   ${texts.runs}, ${texts.when}`;
  const counts = [
    ...(missed === 0 ? [] : [`${missed} missed`]),
    ...(skipped === 0 ? [] : [`${skipped} left out because the one before had not begun`]),
  ];
  const facts = [
    paused ? `paused   ${note}` : `next   ${nextOf(schedule, options.now)}`,
    ...(schedule.last === undefined ? [] : [`last   ${lastOf(schedule)}`]),
    ...(counts.length === 0 ? [] : [`since it is there: ${counts.join(', ')}`]),
    ...(toApply === 'same' ? [] : [`${DIFFERS[toApply]}: runbook schedules apply`]),
  ];
  return [
    ...wrap(clean(head), options.width).map((line) => paint('bold', line)),
    ...facts.flatMap((fact) => foldLine(`    ${clean(fact)}`, options.width)),
    ...(trouble === undefined
      ? []
      : [
          ...marked('!', trouble.problem, options, paint),
          ...foldLine(`      ${clean(trouble.command)}`, options.width),
        ]),
  ];
}

const DIFFERS = {
  create: 'it is not in effect',
  update: 'it differs from runbook.yaml',
  delete: 'runbook.yaml declares it no longer',
} as const;

const zoneOf = ({ calendar }: ListedSchedule): string => calendar?.timeZone ?? 'UTC';

function nextOf(schedule: ListedSchedule, now: number): string {
  const [next] = schedule.nextAt;
  if (next === undefined) return 'never';
  return `${inZone(Date.parse(next), zoneOf(schedule))}, in ${age(Date.parse(next) - now)}`;
}

function lastOf(schedule: ListedSchedule): string {
  const { last, end, outcome } = schedule;
  const due = inZone(Date.parse(last?.dueAt ?? ''), zoneOf(schedule));
  switch (end?.type) {
    case undefined:
      return due;
    case 'open':
      return `${due}: waits for a worker`;
    case 'started':
      return `${due}: ${end.workflowId} ${OUTCOMES[outcome ?? ''] ?? outcome ?? ''}`.trimEnd();
    case 'skipped':
      return `${due}: left out, ${end.reason}`;
    case 'missed':
      return `${due}: missed`;
    case 'failed':
      return `${due}: failed`;
  }
}

const OUTCOMES: Record<string, string> = {
  Done: 'done',
  AlreadySo: 'already so',
  RolledBack: 'rolled back',
  Failed: 'failed',
  Running: 'runs',
};
