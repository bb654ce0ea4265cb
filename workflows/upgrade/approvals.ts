import { durationMs } from '../../plan/duration.ts';
import type { UpgradePlan, UpgradeScope } from '../../plan/safe-upgrade.ts';
import { failure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** Where the plan has a reboot and the policy is `ask`: nothing was changed yet, and a no ends the run. */
export async function approveReboot(run: Run, scope: UpgradeScope, plan: UpgradePlan): Promise<void> {
  const reboots = plan.deployments.filter(({ mode }) => mode === 'boot').map(({ node }) => node);
  if (reboots.length === 0 || scope.policy.reboot !== 'ask') return;
  const { approved, actor, reason } = await run.ask({
    id: 'reboot',
    destructive: false,
    question: `Restart ${reboots.join(' and ')}?`,
    consequences: [
      reboots.includes(scope.member)
        ? `Yes: the instances of ${scope.member} are stopped for the restart and started after it.`
        : 'Yes: the guest restarts; its services are away meanwhile.',
      'No, or no answer in time: nothing is changed.',
    ],
    timeoutMs: durationMs(scope.policy.approvalTimeout),
  });
  if (!approved) throw failure('NotApproved', `The restart was not approved (${actor}: ${reason}).`);
}
