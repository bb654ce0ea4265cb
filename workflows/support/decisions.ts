import { reasonRefusal } from '../../plan/reason.ts';
import type { RunView } from '../../plan/run.ts';
import type { DecideArgs } from '../messages.ts';

/** Why this answer cannot be taken, as a sentence for the person who gave it; undefined if it can. */
export function decisionRefusal({ approval, subject, runbook }: RunView, args: DecideArgs): string | undefined {
  const run = `${runbook}/${subject}`;
  if (!approval) return `${run} waits for nobody's approval.`;
  if (args.approvalId !== undefined && args.approvalId !== approval.id)
    return `${run} waits for approval ${approval.id}, not for ${args.approvalId}.`;
  if (args.actor.trim() === '') return 'Expected the name of who decides, got an empty one.';
  const { expects } = approval;
  if (args.approved && expects !== undefined && args.name !== expects)
    return `${run} waits for a yes with the name ${expects} (--name), not with ${args.name === undefined ? 'none' : JSON.stringify(args.name)}.`;
  // Who names something has another question in mind than one that loses nothing.
  if (args.name !== undefined && expects === undefined)
    return `${run} waits for approval ${approval.id}, which expects no name; got ${JSON.stringify(args.name)}.`;
  return reasonRefusal(args.reason);
}
