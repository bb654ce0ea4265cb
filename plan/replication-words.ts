import { count } from './count.ts';
import type { Relation, ReplicationDecision, TransferStep } from './replication.ts';

/** A decision for people: what is done in one line, and below it what they should know. */
export function describeReplication(decision: ReplicationDecision): string[] {
  const { source, target, abortReason, warnings, problem } = decision;
  const resumed = decision.steps.find(({ resume }) => resume !== undefined);
  return [
    `${source} → ${target}: ${problem === undefined ? whatIsSent(decision) : RELATION_WORDS[decision.relation.type]}`,
    ...(abortReason === undefined ? [] : [`  what is there in part goes: ${abortReason}`]),
    ...(resumed === undefined ? [] : [`  goes on with @${resumed.to.name}, which is there in part`]),
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...(problem === undefined ? [] : [`  ${problem.message}`, `  ${problem.whatToDo}`]),
  ];
}

const RELATION_WORDS: Record<Relation['type'], string> = {
  'up to date': 'up to date',
  initial: 'no copy yet, and none can be made',
  incremental: 'behind, and nothing can be sent',
  diverged: 'diverged',
  'no base': 'nothing in common any more',
};

function whatIsSent({ relation, steps }: ReplicationDecision): string {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined)
    return relation.type === 'up to date' ? `up to date (@${relation.common.name})` : RELATION_WORDS[relation.type];
  const how = first.flags.raw ? ', raw' : '';
  const upTo = steps.length === 1 ? `@${last.to.name}` : `${count(steps.length, 'snapshot')} up to @${last.to.name}`;
  return `${startWords(first)} ${upTo}${how}`;
}

function startWords({ from }: TransferStep): string {
  if (from === undefined) return 'first copy:';
  return `from ${from.kind === 'bookmark' ? `bookmark #${from.name}` : `@${from.name}`}:`;
}
