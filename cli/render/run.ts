import stringWidth from 'string-width';
import { approveCommand } from '../../plan/approval.ts';
import { neededLine } from '../../plan/who-approves.ts';
import type { Approval, RunView, StepView } from '../../plan/run.ts';
import { ENDING, isOpen, type RunState, type WatchState } from '../run-state.ts';
import { besideEnding, endingLines } from './ending.ts';
import { marked } from './marked.ts';
import { painter, type Paint } from './paint.ts';
import { phaseWidth, renderStep } from './steps.ts';
import { clean } from './clean.ts';
import { fit, foldLine, wrap } from './text.ts';
import { age, between, count, dateTime, took } from './units.ts';

export interface RenderOptions {
  width: number;
  colour: boolean;
  now: number;
  /** Lines of the terminal: finished steps are summed up where all would not fit. Absent: no limit. */
  height?: number;
}

/** Watching, as lines: the run's first line, its steps, and what it waits for or how it ended. Pure. */
export function renderWatch(state: WatchState, options: RenderOptions): string[] {
  const paint = painter(options.colour);
  const { run } = state;
  if (run === undefined) return noticeLines(state, options, paint);
  const head = [headLine(run, options, paint), ''];
  const tail = [
    ...(run.view === undefined ? [] : waitingLines(run, run.view, options, paint)),
    ...noticeLines(state, options, paint),
  ];
  const steps = run.view?.steps ?? [];
  const room = (options.height ?? Number.POSITIVE_INFINITY) - head.length - tail.length - 2;
  const body = stepLines(steps, run, options, paint, room);
  return [...head, ...body, ...(tail.length > 0 && body.length > 0 ? [''] : []), ...tail];
}

function headLine(run: RunState, { now, width }: RenderOptions, paint: Paint): string {
  const id = clean(run.workflowId);
  const state = isOpen(run.status)
    ? `${outcomeWord(run)} · ${took(Math.max(0, now - Date.parse(run.startedAt)))}`
    : `${outcomeWord(run)} · took ${took(between(run.startedAt, run.closedAt ?? run.startedAt))}`;
  const rest = ` · ${clean(state)}${run.view === undefined ? '' : ` · revision ${clean(run.view.revision).slice(0, 7)}`}`;
  const shown = fit(id, width);
  return paint('bold', shown) + fit(rest, width - stringWidth(shown));
}

/** One word for where a run is or how it ended, in the words of the project rather than of Temporal. */
export function outcomeWord(run: Pick<RunState, 'status' | 'view'>): string {
  const outcome = run.view?.result?.outcome;
  if (outcome !== undefined) return ENDING[outcome];
  return run.status === 'Running' ? openWord(run.view) : STATUS_WORD[run.status];
}

function openWord(view: RunView | undefined): string {
  if (view === undefined) return 'running';
  if (view.paused) return 'paused';
  return view.approval === undefined ? view.phase : 'waits for you';
}

const STATUS_WORD: Record<RunState['status'], string> = {
  Running: 'running',
  Paused: 'paused in Temporal',
  Completed: 'done',
  Failed: 'failed',
  Canceled: 'cancelled',
  Terminated: 'terminated',
  TimedOut: 'timed out',
  ContinuedAsNew: 'continued in a newer run',
};

/** The steps; where they do not fit, the finished ones before the first that matters become one line. */
function stepLines(
  steps: readonly StepView[],
  run: RunState,
  options: RenderOptions,
  paint: Paint,
  room: number,
): string[] {
  const now = run.closedAt === undefined ? options.now : Date.parse(run.closedAt);
  const layout = { width: options.width, phases: phaseWidth(steps), now, paint };
  const blocks = steps.map((step) => ({
    step,
    lines: renderStep(besideEnding(step, run.view?.result), run.pending, layout),
  }));
  const total = blocks.reduce((sum, { lines }) => sum + lines.length, 0);
  if (total <= room) return blocks.flatMap(({ lines }) => lines);
  const matters = blocks.findIndex(({ step }) => !['done', 'already', 'not needed'].includes(step.state));
  const finished = matters === -1 ? blocks.length : matters;
  const kept = blocks.slice(finished).flatMap(({ lines }) => lines);
  const cut = Math.max(1, room - (finished > 0 ? 1 : 0));
  const shown =
    kept.length > cut ? [...kept.slice(0, cut - 1), paint('dim', `  … ${kept.length - cut + 1} more`)] : kept;
  return finished > 0 ? [`  ${paint('green', '✔')} ${count(finished, 'step')} finished`, ...shown] : shown;
}

/** What a person should know or do now; for a run that is over, how it ended and what is left. */
export function waitingLines(run: RunState, view: RunView, options: RenderOptions, paint: Paint): string[] {
  const lines = view.warnings.flatMap((warning) => marked('!', warning, options, paint));
  if (view.result !== undefined) return [...lines, ...endingLines(view, options, paint)];
  // What a run that was ended from outside asked for, nobody can give it any more.
  if (!isOpen(run.status)) return lines;
  for (const { resource, holder } of view.waitingFor)
    lines.push(...marked('?', `waits for ${resource}, held by ${holder}`, options, paint));
  if (view.approval !== undefined) lines.push(...approvalLines(run, view.approval, options, paint));
  if (view.paused)
    lines.push(...marked('?', `paused before its next step: runbook resume ${run.workflowId}`, options, paint));
  return lines;
}

/** The question that a run asks, what follows from each answer, and the commands that answer. */
export function approvalLines(
  run: Pick<RunState, 'workflowId'>,
  approval: Approval,
  options: RenderOptions,
  paint: Paint,
): string[] {
  const left = Date.parse(approval.deadline) - options.now;
  return [
    ...marked('?', approval.question, options, paint),
    ...[...approval.consequences, ...neededLine(approval)].flatMap((line) =>
      wrap(clean(line), options.width - 4).map((each) => `    ${each}`),
    ),
    ...[
      `    waiting ${age(options.now - Date.parse(approval.askedAt))}, until ${dateTime(approval.deadline)} UTC${left > 0 ? ` (${age(left)} left)` : ''}`,
      `    ${approveCommand(clean(run.workflowId), approval)} --approval ${clean(approval.id)} --reason …`,
      `    runbook reject ${clean(run.workflowId)} --approval ${clean(approval.id)} --reason …`,
    ].flatMap((line) => foldLine(line, options.width)),
  ];
}

function noticeLines(state: WatchState, options: RenderOptions, paint: Paint): string[] {
  const lines: string[] = [];
  const { lost, noWorker, run } = state;
  if (lost !== undefined)
    lines.push(
      `Temporal has not answered for ${age(options.now - Date.parse(lost.since))}: ${lost.message}. Still trying; the run does not depend on this terminal.`,
    );
  else if (noWorker !== undefined) lines.push(noWorkerText(noWorker, options.now));
  return [
    ...lines.flatMap((line) => marked('!', line, options, paint)),
    ...(run === undefined ? [] : noteLines(run, options, paint)),
  ];
}

/** How a run ended that left no result: Temporal's word and its reason. One that completed has nothing to add. */
export function noteLines(run: RunState, options: RenderOptions, paint: Paint): string[] {
  if (isOpen(run.status) || run.status === 'Completed' || run.view?.result !== undefined) return [];
  const reason = run.closeReason === undefined ? '' : `: ${run.closeReason}`;
  const text = `${STATUS_WORD[run.status]}${reason}`;
  return marked('!', text.slice(0, 1).toUpperCase() + text.slice(1), options, paint);
}

/** Why nothing moves, and the command that would move it. */
export function noWorkerText(noWorker: NonNullable<WatchState['noWorker']>, now: number): string {
  const waited = age(now - Date.parse(noWorker.since));
  const { lastSeen, taskQueue } = noWorker;
  return lastSeen === undefined
    ? `No worker polls task queue ${taskQueue}; work has waited ${waited}. Start one: runbook worker`
    : `No worker has taken the work for ${waited}; ${lastSeen.identity} last asked ${age(now - Date.parse(lastSeen.at))} ago.`;
}
