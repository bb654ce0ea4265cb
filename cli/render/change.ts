import { approveCommand } from '../../plan/approval.ts';
import { neededLine } from '../../plan/who-approves.ts';
import { countText } from './decision.ts';
import type { StepState } from '../../plan/run.ts';
import type { Change } from '../changes.ts';
import type { RunState } from '../run-state.ts';
import { clean } from './clean.ts';
import { besideEnding, endingLines } from './ending.ts';
import { noWorkerText, outcomeWord } from './run.ts';
import { painter } from './paint.ts';
import { between, instant, took } from './units.ts';

const STATE_WORD: Record<StepState, string> = {
  pending: 'ahead',
  running: 'begins',
  done: 'done',
  already: 'already so',
  failed: 'failed',
  'not needed': 'not needed',
  waiting: 'waiting',
};

/**
 * A change as lines for a log, each with the instant at which it happened:
 * `2026-11-23T02:14:05Z  deploy  done  host → 26.05.3 (58 s)`. Never folded: a log has no width.
 */
export function renderChange(change: Change, run: RunState | undefined, now: number): string[] {
  // What has no instant of its own, as a step that was not needed, is known at the latest when the run is over.
  const at = (time: string | undefined, text: string): string =>
    `${instant(time ?? run?.closedAt ?? new Date(now).toISOString())}  ${clean(text)}`;
  switch (change.type) {
    case 'step': {
      const result = run?.view?.result;
      // A log tells what happened when it did; only the first of several lines is no use before all of them.
      const several = result?.failure?.message.includes('\n') === true;
      const step = several ? besideEnding(change.step, result) : change.step;
      const time = step.endedAt ?? step.startedAt;
      const length = step.startedAt !== undefined && step.endedAt !== undefined;
      const detail = step.detail === undefined ? '' : `: ${step.detail}`;
      const duration = length ? ` (${took(between(step.startedAt ?? '', step.endedAt ?? ''))})` : '';
      return [
        at(time, `${step.phase.padEnd(9)}  ${STATE_WORD[step.state].padEnd(10)}  ${step.title}${detail}${duration}`),
      ];
    }
    case 'retry': {
      const { activityId, attempt, lastError = 'unknown' } = change.activity;
      return [at(undefined, `${activityId}: attempt ${attempt}, because: ${lastError}`)];
    }
    case 'warning':
      return [at(undefined, `warning: ${change.text}`)];
    case 'asked': {
      const { approval } = change;
      const id = run?.workflowId ?? 'RUN';
      return [
        at(approval.askedAt, `waits for a decision until ${instant(approval.deadline)}: ${approval.question}`),
        ...[...approval.consequences, ...neededLine(approval)].map((line) => `    ${clean(line)}`),
        `    ${approveCommand(clean(id), approval)} --approval ${clean(approval.id)} --reason …`,
        `    runbook reject ${clean(id)} --approval ${clean(approval.id)} --reason …`,
      ];
    }
    case 'decided': {
      const { approved, actor, reason, count, at: time } = change.decision;
      return [at(time, `${approved ? 'approved' : 'rejected'}${countText(count)} by ${actor}: ${reason}`)];
    }
    case 'paused':
      return [at(undefined, `paused before its next step: runbook resume ${run?.workflowId ?? 'RUN'}`)];
    case 'resumed':
      return [at(undefined, 'goes on')];
    case 'waits':
      return [at(undefined, `waits for ${change.resource}, held by ${change.holder}`)];
    case 'server lost':
      return [
        at(undefined, `Temporal does not answer: ${change.message}. Still trying; the run does not depend on this.`),
      ];
    case 'server back':
      return [at(undefined, 'Temporal answers again')];
    case 'no worker':
      return [at(undefined, noWorkerText(change.noWorker, now))];
    case 'worker back':
      return [at(undefined, 'a worker took the work')];
    case 'over':
      return overLines(change.run, now);
  }
}

function overLines(run: RunState, now: number): string[] {
  const closedAt = run.closedAt ?? new Date(now).toISOString();
  const reason = run.view?.result === undefined && run.closeReason !== undefined ? `: ${clean(run.closeReason)}` : '';
  const options = { width: Number.POSITIVE_INFINITY, colour: false, now };
  return [
    `${instant(closedAt)}  ${outcomeWord(run)} after ${took(between(run.startedAt, closedAt))}${reason}`,
    ...(run.view?.result === undefined ? [] : endingLines(run.view, options, painter(false))),
  ];
}
