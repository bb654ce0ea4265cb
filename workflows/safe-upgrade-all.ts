import {
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { durationMs } from '../plan/duration.ts';
import { rollingOrder } from '../plan/order.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { UpgradePolicy } from '../fleet/schema.ts';
import { planMembers } from './all/plan-members.ts';
import { endedBy, finished, interrupted, stopped, viewOfChild, type Ended } from './all/results.ts';
import { workflowId, type SafeUpgradeAllInput } from './messages.ts';
import type { safeUpgrade } from './safe-upgrade.ts';
import { activitiesFor } from './support/activities.ts';
import { conclude } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { Run } from './support/run.ts';

/** How often it is looked whether an upgrade of a member that somebody else started is over. */
const LOOK_AGAIN = '15 seconds';

/**
 * Every member, one at a time. Stops at the first that does not end well; started again, members that are
 * already so take no time, so it goes on where it stopped.
 */
export async function safeUpgradeAll(input: SafeUpgradeAllInput): Promise<RunView> {
  const run = new Run({
    runbook: 'safe-upgrade',
    subject: 'all',
    revision: input.fleet.revision,
    startedBy: input.actor,
  });
  return conclude(
    run,
    async () => {
      const fleet = await resolveFleet(run, input);
      const members = rollingOrder(fleet);
      return input.planOnly
        ? planMembers(run, members, input, fleet.policy)
        : upgradeAll(run, members, input, fleet.policy);
    },
    input,
  );
}

async function upgradeAll(
  run: Run,
  members: readonly string[],
  input: SafeUpgradeAllInput,
  policy: UpgradePolicy,
): Promise<RunResult> {
  run.announce(members.map((member) => ({ id: `node-${member}`, phase: 'deploy', title: member, state: 'pending' })));
  const ended: Ended[] = [];
  try {
    return await upgradeEach(run, members, input, policy, ended);
  } catch (error) {
    if (!ended.some(({ outcome }) => outcome === 'Done')) throw error;
    return interrupted(run, members, ended, describeFailure(error));
  }
}

/** `ended` grows with each member: it tells what was done, also where this throws. */
async function upgradeEach(
  run: Run,
  members: readonly string[],
  input: SafeUpgradeAllInput,
  policy: UpgradePolicy,
  ended: Ended[],
): Promise<RunResult> {
  for (const member of members) {
    if (input.allowOffline.includes(member)) continue;
    if (ended.some(({ outcome }) => outcome === 'Done')) await askBetween(run, member, policy, ended);
    const last = await upgradeMember(run, member, input);
    ended.push(last);
    if (last.outcome !== 'Done' && last.outcome !== 'AlreadySo') return stopped(run, members, ended, last);
  }
  return finished(ended, input.allowOffline);
}

function resolveFleet(run: Run, { fleet }: SafeUpgradeAllInput): Promise<FleetOrder> {
  return run.step(
    { id: 'fleet', phase: 'plan', title: 'order of members', kind: 'observe' },
    (act) => act.resolveFleet({ fleet }),
    (found) => ({ state: 'done', detail: rollingOrder(found).join(', ') }),
  );
}

type FleetOrder = Parameters<typeof rollingOrder>[0] & { policy: UpgradePolicy };

async function askBetween(run: Run, member: string, policy: UpgradePolicy, ended: readonly Ended[]): Promise<void> {
  if (policy.betweenMembers !== 'ask') return;
  const { approved, actor, reason } = await run.ask({
    id: `next-${member}`,
    destructive: false,
    question: `Go on with ${member}?`,
    consequences: [
      ...ended.map(({ member, summary }) => `${member}: ${summary}`),
      `No, or no answer in time: ${member} and those after it stay as they are.`,
    ],
    timeoutMs: durationMs(policy.approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `Going on with ${member} was not approved (${actor}: ${reason}).`);
}

/** A step that ends as the member's own run does; the run itself is to be watched under its own id. */
async function upgradeMember(run: Run, member: string, input: SafeUpgradeAllInput): Promise<Ended> {
  let ended: Ended | undefined;
  try {
    await run.step(
      { id: `node-${member}`, phase: 'deploy', title: member, kind: 'act' },
      async () => {
        ended = endedBy(member, await runChild(member, input));
        return ended;
      },
      ({ outcome, summary }) => ({ state: outcome === 'AlreadySo' ? 'already' : 'done', detail: summary }),
    );
  } catch (error) {
    if (isCancellation(error) && !(error instanceof ChildWorkflowFailure)) throw error;
    ended = endedBy(member, viewOfChild(error), error);
  }
  return ended ?? endedBy(member, undefined);
}

async function runChild(member: string, input: SafeUpgradeAllInput): Promise<RunView> {
  for (;;) {
    try {
      return await executeChild<typeof safeUpgrade>('safeUpgrade', {
        workflowId: workflowId('safe-upgrade', member),
        args: [{ ...input, node: member }],
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        // Whoever terminates this run must not leave a node half-way.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `safe-upgrade of ${member}`,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await untilClosed(workflowId('safe-upgrade', member));
    }
  }
}

async function untilClosed(id: string): Promise<void> {
  const act = activitiesFor({ id: `open-${id}`, phase: 'deploy', title: `waits for ${id}`, kind: 'observe' });
  while (await act.isOpen({ workflowId: id })) await sleep(LOOK_AGAIN, { summary: `${id} runs already` });
}
