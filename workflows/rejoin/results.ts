import { isCancellation } from '@temporalio/workflow';
import { releaseCommand } from '../../plan/kept.ts';
import { describeRejoinStep, type RejoinPlan } from '../../plan/node-rejoin.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Done } from './steps.ts';

export function alreadySo(member: string): RunResult {
  return { outcome: 'AlreadySo', summary: `${member} is a member, and what ran before runs.`, left: [], next: [] };
}

export function planned(member: string, { case: kind, way }: RejoinPlan): RunResult {
  const what =
    kind === 'unknown'
      ? 'What its pools have is to be seen once they are imported. '
      : kind === 'nothing lost'
        ? ''
        : `${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}: ${way === 'identity' ? 'it goes on as who it was' : 'it joins anew'}. `;
  return {
    outcome: 'Done',
    summary: `${what}Nothing was changed.`,
    left: [],
    next: [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'do it' }],
  };
}

export function back(
  member: string,
  { lost }: RejoinPlan,
  done: readonly Done[],
  unsaved: readonly string[],
): RunResult {
  const missing = [...lost.instances, ...lost.volumes];
  return {
    outcome: 'Done',
    summary: `${member} is back in its cluster, Online and healthy.`,
    left: [
      ...done.flatMap(({ left }) => left),
      ...unsaved,
      ...(missing.length === 0 ? [] : [`not on its disks, so not back: ${missing.join(', ')}`]),
    ],
    next: [
      ...done
        .flatMap(({ kept }) => kept)
        .map((name) => ({
          command: releaseCommand({ member, name }),
          purpose: 'destroy what was set aside, when you need it no more',
        })),
      { command: `runbook report node-rejoin/${member}`, purpose: 'what happened, minute by minute' },
      { command: 'runbook status', purpose: 'the fleet as it is' },
    ],
  };
}

/** Nothing is taken back: the next run looks where it stands, and goes on. */
export function halfWay(error: unknown, member: string, { steps }: RejoinPlan, done: readonly Done[]): RunResult {
  const cause = describeFailure(error);
  const title = (step: RejoinPlan['steps'][number]): string => describeRejoinStep(step, member).title;
  const reached = new Set(done.map(({ step }) => step));
  const missing = steps.filter((step) => !reached.has(step));
  const why = isCancellation(error) ? 'It was cancelled.' : cause.message;
  return {
    outcome: 'Failed',
    summary: `${member} is not back yet. ${why}`,
    failure: cause,
    left: [
      ...done.flatMap(({ step, left }) => [`done, and it stays: ${title(step)}`, ...left]),
      ...(missing.length === 0 ? [] : [`not done: ${missing.map(title).join('; ')}`]),
    ],
    next: [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'go on: it begins with what is missing' }],
  };
}
