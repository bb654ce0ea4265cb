import { count } from '../../plan/count.ts';
import { countsOf, detailOf, namesNeeded, shortHash, type InfraScope, type PlannedInfra } from '../../plan/infra.ts';
import type { Approval } from '../../plan/run.ts';

type Question = Pick<Approval, 'id' | 'question' | 'consequences' | 'names' | 'plan'>;

/** So many changes are told in a question; the steps of the run have all that there are. */
const TOLD = 20;

/** What a person decides on: this plan, by its hash, and what is lost with it by name. */
export function question(scope: InfraScope, plan: PlannedInfra, number: number): Question {
  const { changes, outputs } = plan;
  const names = namesNeeded(scope, plan);
  const left = Object.values(plan.more).reduce((sum, each) => sum + each, Math.max(0, changes.length - TOLD));
  return {
    id: `plan-${number}`,
    question: `Apply plan ${shortHash(plan.hash)} to ${scope.node}: ${countsOf(plan)}?`,
    consequences: [
      ...changes.slice(0, TOLD).map((change) => {
        const detail = detailOf(change);
        return `${change.action} ${change.address}${detail === '' ? '' : `: ${detail}`}`;
      }),
      ...(left === 0 ? [] : [`and ${count(left, 'change')} more: runbook show infra-apply/${scope.node}`]),
      ...(outputs.length === 0 ? [] : [`outputs ${outputs.join(', ')} change`]),
      ...(names.length === 0 ? [] : [`What is in ${names.join(', ')} is lost.`]),
      'Yes: exactly this is applied. Should the state have changed by then, it is planned again and asked again.',
      'No, or no answer in time: nothing is changed.',
    ],
    ...(names.length === 0 ? {} : { names }),
    plan: plan.hash,
  };
}
