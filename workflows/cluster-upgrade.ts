import type { ClusterUpgradePlan } from '../plan/cluster-upgrade.ts';
import { durationMs } from '../plan/duration.ts';
import type { UpgradeObservation } from '../plan/observation.ts';
import { previewClusterUpgrade } from '../plan/preview.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import type { RunRef } from '../activities/contract.ts';
import { goForward } from './cluster/go-forward.ts';
import { observeAll, planAll, resolveScopes } from './cluster/observe.ts';
import { instancesOf, snapshotAll } from './cluster/snapshots.ts';
import type { ClusterUpgradeInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { previewUnits } from './upgrade/preview.ts';
import { refused } from './upgrade/results.ts';

/**
 * Every member to a new Incus version at once: one member with another version blocks the cluster until all have
 * it. One-way, so it asks first; from the first deployment on it only goes forward.
 */
export async function clusterUpgrade(input: ClusterUpgradeInput): Promise<RunView> {
  const run = new Run({
    runbook: 'cluster-upgrade',
    subject: 'all',
    revision: input.fleet.revision,
    startedBy: input.actor,
  });
  const ref = { fleet: input.fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scopes = await resolveScopes(run, ref);
      const work = (): Promise<RunResult> => upgradeCluster(run, ref, scopes, input.planOnly);
      if (input.planOnly) return work();
      return withLocks(
        run,
        scopes.map(({ member }) => `member/${member}`),
        work,
      );
    },
    input,
  );
}

async function upgradeCluster(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
  planOnly: boolean,
): Promise<RunResult> {
  const observations = await observeAll(run, ref, scopes);
  const plan = await planAll(run, ref, scopes, observations);
  if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
  if (plan.alreadySo) return { outcome: 'AlreadySo', summary: `Incus is ${plan.to} everywhere.`, left: [], next: [] };
  if (planOnly) return showPlan(run, plan, scopes, observations);
  run.announce(plan.steps);
  await approve(run, plan, scopes);
  let kept: string[] = [];
  try {
    // A run that was interrupted half-way has its snapshots, and the API that would make others is blocked.
    if (!plan.halfWay) kept = await snapshotAll(run, ref, scopes, observations);
    await run.hold();
  } catch (error) {
    return unchanged(error, [`Snapshots ${ref.name} that were made are kept until they expire.`]);
  }
  // From here on there is no way back, so nothing interrupts it either.
  const result = await run.unstoppable(() => goForward(run, ref, scopes, observations, plan));
  return { ...result, left: [...result.left, ...kept] };
}

/** One-way, so whoever reads the plan is told before anything else. */
async function showPlan(
  run: Run,
  plan: ClusterUpgradePlan,
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
): Promise<RunResult> {
  const restarts = await previewUnits(run, plan.deployments);
  const expiry = scopes[0]?.policy.snapshotExpiry ?? '7d';
  run.announce(previewClusterUpgrade(plan, { instances: instancesOf(observations), expiry }, restarts));
  run.warn(
    'One-way: the new Incus changes the database, and an older one refuses to read it. It asks before it begins.',
  );
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: 'runbook start cluster-upgrade', purpose: 'begin; it asks first' }],
  };
}

async function approve(run: Run, { from, to }: ClusterUpgradePlan, scopes: readonly UpgradeScope[]): Promise<void> {
  const policy = scopes[0]?.policy;
  const { approved, actor, reason } = await run.ask({
    id: 'one-way',
    destructive: true,
    question: `Upgrade Incus ${from.join(', ')} → ${to} on ${scopes.length === 1 ? 'the one member' : `all ${scopes.length} members at once`}?`,
    consequences: [
      'Yes: there is no way back. The database is changed, and an older Incus refuses to read it.',
      'The Incus API is away for a minute or so; instances go on running.',
      'No, or no answer in time: nothing is changed.',
    ],
    timeoutMs: durationMs(policy?.approvalTimeout ?? '8h'),
  });
  if (!approved) throw failure('NotApproved', `The upgrade of the cluster was not approved (${actor}: ${reason}).`);
}
