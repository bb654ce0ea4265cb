import type { ApprovalActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';

/** Who has to say yes, by the fleet file of the run's revision: not by what somebody has on their disk. */
export function createApprovalActivities({ fleetAt }: Pick<Deps, 'fleetAt'>): ApprovalActivities {
  return {
    approvalPolicy: guarded(async ({ fleet: ref }) => (await fleetAt(ref)).policies.approvals.destructive),
  };
}
