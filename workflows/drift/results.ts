import { count } from '../../plan/count.ts';
import { isUnknown, type DriftRow, type DriftScope } from '../../plan/drift-seen.ts';
import { FAILURES, type FailureType } from '../../plan/failures.ts';
import type { RunResult } from '../../plan/run.ts';

/** How the comparison ends: as declared, not as declared, or not all of it could be looked at. */
export function compared(scope: DriftScope, rows: readonly DriftRow[]): RunResult {
  const unknown = rows.filter(isUnknown).length;
  const differing = rows.length - unknown;
  if (rows.length === 0)
    return { outcome: 'AlreadySo', summary: `All is as declared: ${lookedAt(scope)}.`, left: [], next: [] };
  const type: FailureType = differing === 0 ? 'NotSeen' : 'Drifted';
  const message = sentence(differing, unknown);
  return {
    outcome: 'Failed',
    summary: message,
    unchanged: true,
    failure: { type, message, whatToDo: FAILURES[type].whatToDo },
    left: [],
    next: [
      {
        command: `runbook start drift${scope.node === undefined ? '' : ` --node ${scope.node}`}`,
        purpose: 'look again when that is mended',
      },
    ],
  };
}

function sentence(differing: number, unknown: number): string {
  if (differing === 0) return `${count(unknown, 'thing')} could not be looked at; the rest is as declared.`;
  const is = differing === 1 ? 'is' : 'are';
  const fact = `${count(differing, 'thing')} ${is} not as declared`;
  return unknown === 0 ? `${fact}.` : `${fact}, and ${unknown} could not be looked at.`;
}

/** So that nobody takes for looked at what is not declared. */
const lookedAt = ({ members, guests, systems, infra, secrets }: DriftScope): string =>
  [
    ...(members.length === 0 ? [] : [count(members.length, 'member')]),
    ...(guests.length === 0 ? [] : [count(guests.length, 'guest')]),
    ...(systems.length === 0 ? [] : [`NixOS of ${systems.length}`]),
    ...(infra.length === 0 ? [] : [`Terraform of ${infra.length}`]),
    ...(secrets ? ['secrets'] : []),
  ].join(', ');
