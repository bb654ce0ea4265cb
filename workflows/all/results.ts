import { ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import type { Outcome, RunResult, RunView } from '../../plan/run.ts';
import { workflowId } from '../messages.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** How the run of one member ended. */
export interface Ended {
  member: string;
  outcome: Outcome;
  summary: string;
  failure?: RunResult['failure'];
  unchanged?: true;
}

/** What a child that ended red left of itself. */
export function viewOfChild(error: unknown): RunView | undefined {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? (cause.details?.[0] as RunView | undefined) : undefined;
}

export function endedBy(member: string, view: RunView | undefined, error?: unknown): Ended {
  if (view?.result) {
    const { outcome, summary, failure, unchanged } = view.result;
    return { member, outcome, summary, ...(failure && { failure }), ...(unchanged && { unchanged }) };
  }
  const described = describeFailure(error);
  return { member, outcome: 'Failed', summary: described.message, failure: described };
}

/** A cancel wants all to be as before, which it is not where others are upgraded already. */
export function stopped(run: Run, members: readonly string[], ended: readonly Ended[], last: Ended): RunResult {
  const noneUpgraded = ended.every(({ outcome }) => outcome !== 'Done');
  return {
    outcome: last.failure?.type === 'Cancelled' && !noneUpgraded ? 'Failed' : last.outcome,
    summary: `Stopped at ${last.member}: ${last.summary}`,
    ...(last.failure && { failure: last.failure }),
    ...(last.unchanged && noneUpgraded && { unchanged: true }),
    left: whatIsLeft(members, ended),
    next: [
      { command: `runbook report ${workflowId(run.view.runbook, last.member)}`, purpose: 'what happened' },
      { command: 'runbook start safe-upgrade --all', purpose: 'go on where it stopped' },
    ],
  };
}

/** Between two members: those before are upgraded, and stay so. */
export function interrupted(
  run: Run,
  members: readonly string[],
  ended: readonly Ended[],
  failure: NonNullable<RunResult['failure']>,
): RunResult {
  return {
    outcome: 'Failed',
    summary: `Stopped after ${ended.at(-1)?.member ?? run.view.subject}: ${failure.message}`,
    failure,
    left: whatIsLeft(members, ended),
    next: [{ command: 'runbook start safe-upgrade --all', purpose: 'go on where it stopped' }],
  };
}

function whatIsLeft(members: readonly string[], ended: readonly Ended[]): string[] {
  const done = ended.filter(({ outcome }) => outcome === 'Done').map(({ member }) => member);
  const untouched = members.filter((name) => !ended.some(({ member }) => member === name));
  return [
    ...(done.length > 0 ? [`Upgraded and kept so: ${done.join(', ')}.`] : []),
    ...(untouched.length > 0 ? [`Not touched: ${untouched.join(', ')}.`] : []),
  ];
}

export function finished(ended: readonly Ended[], away: readonly string[]): RunResult {
  const changed = ended.filter(({ outcome }) => outcome === 'Done');
  const already = ended.length - changed.length;
  const left = away.length === 0 ? [] : [`Not touched, because away: ${away.join(', ')}.`];
  if (changed.length === 0) return { outcome: 'AlreadySo', summary: 'Every member is already so.', left, next: [] };
  return {
    outcome: 'Done',
    summary: `${changed.map(({ member }) => member).join(', ')} upgraded${already === 0 ? '' : `, ${already} already so`}.`,
    left,
    next: [],
  };
}
