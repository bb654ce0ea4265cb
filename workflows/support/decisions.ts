import { expectedNames } from '../../plan/approval.ts';
import { shortHash } from '../../plan/infra.ts';
import { reasonRefusal } from '../../plan/reason.ts';
import { settledBy, yesRefusal } from '../../plan/who-approves.ts';
import type { Approval, RunView } from '../../plan/run.ts';
import type { DecideArgs } from '../messages.ts';

/** Why this answer cannot be taken, as a sentence for the person who gave it; undefined if it can. */
export function decisionRefusal(
  { approval, subject, runbook, decisions }: RunView,
  args: DecideArgs,
): string | undefined {
  const run = `${runbook}/${subject}`;
  if (!approval) return `${run} waits for nobody's approval.`;
  if (args.approvalId !== undefined && args.approvalId !== approval.id)
    return `${run} waits for approval ${approval.id}, not for ${args.approvalId}.`;
  // Also sent by hand, from the Web UI or by temporal.
  if (typeof args.actor !== 'string') return 'Expected the name of who decides (actor), got none.';
  if (args.actor.trim() === '') return 'Expected the name of who decides, got an empty one.';
  if (approval.needs !== undefined && settledBy(approval, decisions) !== undefined) return `${run} is decided already.`;
  return (
    (args.approved ? yesRefusal(approval, args.actor) : undefined) ??
    namesRefusal(run, approval, args) ??
    planRefusal(run, approval, args) ??
    reasonRefusal(args.reason)
  );
}

function namesRefusal(run: string, approval: Approval, args: DecideArgs): string | undefined {
  const expected = expectedNames(approval);
  const given = args.names ?? (args.name === undefined ? [] : [args.name]);
  const got = given.length === 0 ? 'none' : given.map((name) => JSON.stringify(name)).join(', ');
  // Who names something has another question in mind than one that loses nothing.
  if (given.length > 0 && expected.length === 0)
    return `${run} waits for approval ${approval.id}, which expects no name; got ${got}.`;
  if (!args.approved || (expected.length === given.length && expected.every((name) => given.includes(name))))
    return undefined;
  const what = expected.length === 1 ? `the name ${expected.join('')}` : `the names ${expected.join(', ')}`;
  return `${run} waits for a yes with ${what} (--name), not with ${got}.`;
}

const SHORTEST_HASH = 4;

/** A yes is for what was read: a plan that was made anew since is another one. */
function planRefusal(run: string, { plan }: Approval, args: DecideArgs): string | undefined {
  if (args.plan !== undefined && plan === undefined)
    return `${run} waits for no plan; got ${JSON.stringify(args.plan)}.`;
  if (plan === undefined || (!args.approved && args.plan === undefined)) return undefined;
  if (args.plan !== undefined && args.plan.length >= SHORTEST_HASH && plan.startsWith(args.plan)) return undefined;
  return `${run} waits for a decision on plan ${shortHash(plan)} (--plan), not on ${args.plan === undefined ? 'none' : JSON.stringify(args.plan)}.`;
}
