import { approveCommand } from '../../plan/approval.ts';
import { neededLine } from '../../plan/who-approves.ts';
import { needsPerson, type FleetStatus, type OpenRun } from '../fleet-status.ts';
import { glanceFacts, glanceTroubles } from './glance.ts';
import { outcomeOf } from './list.ts';
import { painter, type Paint } from './paint.ts';
import type { RenderOptions } from './run.ts';
import { clean } from './clean.ts';
import { wrap } from './text.ts';
import { age, count, dateTime } from './units.ts';

/** The fleet at a glance: the first line answers whether anything needs a person. Pure. */
export function renderStatus(status: FleetStatus, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const { open, schedules, failed, live } = status;
  const facts = [
    ...fleetFacts(status),
    ...(open.length === 0 ? ['no run is open'] : [`${count(open.length, 'run')} open`]),
    ...(status.noWorker === true ? ['no worker polls'] : []),
    needs(status),
  ];
  return [
    ...wrap(clean(facts.join(' · ')), options.width).map((line) => paint('bold', line)),
    ...(status.noWorker === true ? ['  runbook worker'] : []),
    ...(live === undefined ? [] : glanceTroubles(live)).flatMap(({ what, command }) =>
      item(what, [command], options, (text) => paint('yellow', text)),
    ),
    ...open.flatMap((run) => openLines(run, options, paint)),
    ...schedules.flatMap(({ name, problem, command }) =>
      item(`schedule ${name} ${problem}`, [command], options, (text) => paint('yellow', text)),
    ),
    ...failed.flatMap(({ workflowId, ...run }) =>
      item(
        `${workflowId}   ${outcomeOf({ ...run, workflowId })} ${age(options.now - Date.parse(run.closedAt ?? run.startedAt))} ago`,
        [`runbook show ${workflowId}   or   runbook retry ${workflowId}`],
        options,
        (text) => paint(run.outcome === 'RolledBack' ? 'yellow' : 'red', text),
      ),
    ),
  ];
}

function fleetFacts({ fleet, brokenFleetFile, live }: FleetStatus): string[] {
  if (brokenFleetFile === true) return ['runbook.yaml has mistakes: runbook check'];
  if (fleet === undefined) return [];
  if (live !== undefined) return [fleet.name, ...glanceFacts(live)];
  return [fleet.name, count(fleet.members.length, 'member'), count(fleet.guests.length, 'guest')];
}

function needs({ open, schedules, failed, live }: FleetStatus): string {
  const runs = open.filter(needsPerson).length + failed.length;
  // While a run is at work, a member that is away and a guest that is stopped are most likely its doing.
  const atWork = open.some((run) => !needsPerson(run));
  const fleet = live !== undefined && !atWork && glanceTroubles(live).length > 0;
  const counted = [count(runs, 'run'), count(schedules.length, 'schedule')].filter((text) => !text.startsWith('0 '));
  const who = [...counted, ...(fleet ? ['the fleet'] : [])];
  if (who.length === 0) return 'nothing needs you';
  return `${who.join(' and ')} ${who.length === 1 && runs < 2 && schedules.length < 2 ? 'needs' : 'need'} you`;
}

function openLines(run: OpenRun, options: RenderOptions, paint: Paint): string[] {
  const since = age(options.now - Date.parse(run.startedAt));
  const head = `${run.workflowId}   ${openWord(run)}   ${since}`;
  return item(head, openDetails(run, options), options, (text) => paint(needsPerson(run) ? 'yellow' : 'cyan', text));
}

function openWord(run: OpenRun): string {
  if (run.approval !== undefined) return 'waits for you';
  if (run.paused) return 'paused';
  return run.waitingFor.length > 0 ? 'waits for its turn' : (run.phase ?? 'running');
}

function openDetails({ approval, paused, waitingFor, silent, workflowId }: OpenRun, { now }: RenderOptions): string[] {
  return [
    ...(approval === undefined
      ? []
      : [
          `${approval.question}   asked ${age(now - Date.parse(approval.askedAt))} ago, until ${dateTime(approval.deadline)} UTC`,
          ...neededLine(approval),
          `${approveCommand(workflowId, approval)} --reason …   or   runbook reject ${workflowId} --reason …`,
        ]),
    ...(paused ? [`runbook resume ${workflowId}`] : []),
    ...waitingFor.map(({ resource, holder }) => `${resource} is held by ${holder}`),
    ...(silent ? ['no worker answers for it   runbook worker'] : []),
  ];
}

const item = (
  head: string,
  more: readonly string[],
  { width }: RenderOptions,
  colour: (text: string) => string,
): string[] => [
  ...wrap(clean(head), width - 2).map((line) => `  ${colour(line)}`),
  ...more.flatMap((line) => wrap(clean(line), width - 6).map((each) => `      ${each}`)),
];
