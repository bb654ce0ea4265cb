import {
  countsOf,
  isEmpty,
  shortHash,
  type AppliedInfra,
  type InfraScope,
  type PlannedInfra,
} from '../../plan/infra.ts';
import type { RunResult } from '../../plan/run.ts';
import { approvers } from '../../plan/who-approves.ts';
import { asSentence } from '../../plan/sentence.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

export function alreadySo({ node, folder }: InfraScope): RunResult {
  return { outcome: 'AlreadySo', summary: `${node} is as ${folder} says. Nothing was changed.`, left: [], next: [] };
}

export function planned({ node }: InfraScope, plan: PlannedInfra): RunResult {
  return {
    outcome: 'Done',
    summary: `Plan ${shortHash(plan.hash)}: ${countsOf(plan)}. Nothing was changed.`,
    left: [],
    next: [{ command: `runbook start infra-apply --node ${node}`, purpose: 'plan it again, ask, and do it' }],
  };
}

/** Judged by a plan that was made afterwards. */
export function applied(scope: InfraScope, run: Run, left?: PlannedInfra): RunResult {
  const { node, folder } = scope;
  const last = run.view.decisions.findLast(({ approved }) => approved);
  const actor = approvers(run.view.decisions, last?.approvalId ?? '').join(' and ');
  if (left === undefined || isEmpty(left))
    return { outcome: 'Done', summary: `${node} is as ${folder} says, as ${actor} approved.`, left: [], next: [] };
  const message = `It was applied, and Terraform plans again: ${countsOf(left)}.`;
  return {
    outcome: 'Failed',
    summary: message,
    failure: {
      type: 'Unhealthy',
      message,
      whatToDo:
        'Something sets it otherwise than the monorepo says, or the provider reads it otherwise than it writes it.',
    },
    left: left.changes.map(({ action, address }) => `still to ${action}: ${address}`),
    next: [again(scope)],
  };
}

/** `error`: what kept it from being known. */
export function failed(
  scope: InfraScope,
  { message, done }: Pick<AppliedInfra & { type: 'failed' }, 'message' | 'done'>,
  error?: unknown,
): RunResult {
  const cause = error === undefined ? undefined : describeFailure(error);
  return {
    outcome: 'Failed',
    summary: `The plan was not applied to its end. ${asSentence(message)}`,
    failure: cause ?? {
      type: 'TerraformFailed',
      message,
      whatToDo: 'Correct what it names, commit, and start again: it plans what is missing and asks again.',
    },
    left: done.length === 0 ? [] : [`done, and it stays: ${done.join(', ')}`],
    next: [again(scope)],
  };
}

/** All of it was done; whether it holds nobody knows. */
export function unverified(scope: InfraScope, error: unknown): RunResult {
  const failure = describeFailure(error);
  const summary = `The plan was applied to its end, but could not be verified. ${asSentence(failure.message)}`;
  return { outcome: 'Failed', summary, failure, left: [], next: [again(scope)] };
}

export function unsettled(scope: InfraScope, why: string): RunResult {
  const message = `The plan was not true any more each time that it was approved; the last time: ${why}.`;
  return {
    outcome: 'Failed',
    summary: message,
    failure: { type: 'Busy', message, whatToDo: 'See who else changes that state, then start again.' },
    left: [],
    next: [again(scope)],
  };
}

const again = ({ node }: InfraScope): RunResult['next'][number] => ({
  command: `runbook start infra-apply --node ${node}`,
  purpose: 'plan what is missing, and ask again',
});
