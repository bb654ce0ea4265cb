import {
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  uuid4,
} from '@temporalio/workflow';
import type { UpgradePolicy } from '../../fleet/schema.ts';
import { planOfMembers, type MemberPlan } from '../../plan/preview-all.ts';
import type { RunResult, RunView } from '../../plan/run.ts';
import { planWorkflowId, type SafeUpgradeAllInput } from '../messages.ts';
import type { safeUpgrade } from '../safe-upgrade.ts';
import type { Run } from '../support/run.ts';
import { viewOfChild } from './results.ts';

/**
 * Every member's own plan, one after the other, as one. It goes on where a member would refuse, waits for nobody, and
 * its children have ids that no run has: a plan neither hides a run nor keeps one from starting.
 */
export async function planMembers(
  run: Run,
  members: readonly string[],
  input: SafeUpgradeAllInput,
  policy: UpgradePolicy,
): Promise<RunResult> {
  const plans: MemberPlan[] = [];
  for (const member of members)
    if (!input.allowOffline.includes(member)) plans.push({ member, view: await planMember(run, member, input) });
  const { steps, gates, result } = planOfMembers(plans, { asks: policy.betweenMembers === 'ask' });
  if (gates.length > 0) run.judge(gates);
  run.announce(steps);
  return result;
}

function planMember(run: Run, member: string, input: SafeUpgradeAllInput): Promise<RunView> {
  return run.step(
    { id: `plan-${member}`, phase: 'plan', title: member, kind: 'observe' },
    () => runPlan(member, input),
    ({ result }) => ({ state: 'done', ...(result && { detail: result.summary }) }),
  );
}

async function runPlan(member: string, input: SafeUpgradeAllInput): Promise<RunView> {
  try {
    return await executeChild<typeof safeUpgrade>('safeUpgrade', {
      workflowId: planWorkflowId('safe-upgrade', member, uuid4().slice(0, 8)),
      args: [{ ...input, node: member }],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      // Nobody would read it.
      parentClosePolicy: ParentClosePolicy.TERMINATE,
      staticSummary: `Plan of safe-upgrade of ${member}`,
    });
  } catch (error) {
    const view = viewOfChild(error);
    if (view === undefined || (isCancellation(error) && !(error instanceof ChildWorkflowFailure))) throw error;
    return view;
  }
}
