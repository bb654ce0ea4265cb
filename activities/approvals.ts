import { stricterOf } from '../plan/who-approves.ts';
import type { ApprovalActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';

/**
 * Who has to say yes, by the fleet file of the run's revision and by that of the worker's clone, whichever is stricter: not by what
 * somebody has on their disk, and who starts a run chooses its revision.
 */
export function createApprovalActivities({ fleetAt, head }: Pick<Deps, 'fleetAt' | 'head'>): ApprovalActivities {
  return {
    approvalPolicy: guarded(async ({ fleet: ref }) => {
      const [own, now] = [await fleetAt(ref), await fleetAt(await head())];
      return stricterOf(own.policies.approvals.destructive, now.policies.approvals.destructive);
    }),
  };
}
