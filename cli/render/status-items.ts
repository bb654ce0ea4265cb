import { approveCommand } from '../../plan/approval.ts';
import { neededLine } from '../../plan/who-approves.ts';
import { needsPerson, type FleetStatus, type OpenRun } from '../fleet-status.ts';
import type { RunSummary } from '../temporal/list-runs.ts';
import { glanceTroubles } from './glance.ts';
import { outcomeOf } from './list.ts';
import { age, dateTime } from './units.ts';

/** A run, a machine or a schedule that is worth a line of its own, with what to know or to type below it. */
export interface StatusItem {
  head: string;
  more: string[];
  /** `cyan` is at work and needs nobody. */
  tone: 'yellow' | 'red' | 'cyan';
}

/** In the order in which they are shown. The texts are as they came from outside. Pure. */
export function statusItems({ open, schedules, failed, live }: FleetStatus, now: number): StatusItem[] {
  return [
    ...(live === undefined ? [] : glanceTroubles(live)).map(({ what, command }) => warning(what, command)),
    ...open.map((run) => openItem(run, now)),
    ...schedules.map(({ name, problem, command }) => warning(`schedule ${name} ${problem}`, command)),
    ...failed.map((run) => failedItem(run, now)),
  ];
}

const warning = (head: string, command: string): StatusItem => ({ head, more: [command], tone: 'yellow' });

function failedItem(run: RunSummary, now: number): StatusItem {
  const { workflowId, outcome, closedAt, startedAt } = run;
  return {
    head: `${workflowId}   ${outcomeOf(run)} ${age(now - Date.parse(closedAt ?? startedAt))} ago`,
    more: [`runbook show ${workflowId}   or   runbook retry ${workflowId}`],
    tone: outcome === 'RolledBack' ? 'yellow' : 'red',
  };
}

function openItem(run: OpenRun, now: number): StatusItem {
  const since = age(now - Date.parse(run.startedAt));
  return {
    head: `${run.workflowId}   ${openWord(run)}   ${since}`,
    more: openDetails(run, now),
    tone: needsPerson(run) ? 'yellow' : 'cyan',
  };
}

function openWord(run: OpenRun): string {
  if (run.approval !== undefined) return 'waits for you';
  if (run.paused) return 'paused';
  return run.waitingFor.length > 0 ? 'waits for its turn' : (run.phase ?? 'running');
}

function openDetails({ approval, paused, waitingFor, silent, workflowId }: OpenRun, now: number): string[] {
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
