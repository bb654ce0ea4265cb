import { planClusterUpgrade, type ClusterUpgradePlan } from '../../plan/cluster-upgrade.ts';
import { count } from '../../plan/count.ts';
import type { Closure, UpgradeObservation } from '../../plan/observation.ts';
import type { UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { RunRef } from '../../activities/contract.ts';
import type { Run } from '../support/run.ts';

/** Each member with its own system, from the fleet file at the run's revision. */
export async function resolveScopes(run: Run, { fleet }: RunRef): Promise<UpgradeScope[]> {
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    async (act) => {
      const { members } = await act.resolveFleet({ fleet });
      const scopes: UpgradeScope[] = [];
      for (const node of members) scopes.push(hostOnly(await act.resolveScope({ fleet, node })));
      return scopes;
    },
    (scopes) => ({ state: 'done', detail: scopes.map(({ member }) => member).join(', ') }),
  );
}

/** Guests have no Incus: they stay as they are. */
function hostOnly(scope: UpgradeScope): UpgradeScope {
  return { ...scope, targets: scope.targets.filter(({ kind }) => kind === 'member') };
}

/** The cluster as each member sees it, and each member's system. */
export async function observeAll(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
): Promise<UpgradeObservation[]> {
  const observations: UpgradeObservation[] = [];
  for (const scope of scopes)
    observations.push(
      await run.step(
        { id: `observe-${scope.member}`, phase: 'gate', title: scope.member, kind: 'observe' },
        (act) => act.observeUpgrade({ run: ref, scope }),
        ({ instances }) => ({ state: 'done', detail: count(instances.length, 'instance') }),
      ),
    );
  return observations;
}

/** Judges the gates, builds each member's system, and says what will be deployed. */
export async function planAll(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
): Promise<ClusterUpgradePlan> {
  const preliminary = planClusterUpgrade(scopes, observations, {});
  if (preliminary.refusals.length > 0) {
    run.judge(preliminary.gates);
    return preliminary;
  }
  const closures: Record<string, Closure> = {};
  for (const { node } of scopes)
    closures[node] = await run.step(
      { id: `build-${node}`, phase: 'plan', title: `build ${node}`, kind: 'long' },
      (act) => act.buildClosure({ ...ref, node }),
      ({ incusVersions }) => ({ state: 'done', detail: `Incus ${incusVersions.join(', ')}` }),
    );
  const plan = planClusterUpgrade(scopes, observations, closures);
  run.judge(plan.gates);
  return plan;
}
