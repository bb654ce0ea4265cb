import type { RunRef } from '../../activities/contract.ts';
import { count } from '../../plan/count.ts';
import type { Closure, UpgradeObservation } from '../../plan/observation.ts';
import { leaveOut, planUpgrade, type UpgradePlan, type UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { SafeUpgradeInput } from '../messages.ts';
import type { Run } from '../support/run.ts';

export async function resolveScope(run: Run, input: SafeUpgradeInput): Promise<UpgradeScope> {
  const { fleet, node } = input;
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    async (act) => leaveOut(await act.resolveScope({ fleet, node }), input),
    ({ member, targets }) => ({ state: 'done', detail: `${count(targets.length, 'machine')} on ${member}` }),
  );
}

/** Looks, builds, decides. Builds only when what was seen allows an upgrade at all. */
export async function makePlan(run: Run, scope: UpgradeScope, input: SafeUpgradeInput): Promise<UpgradePlan> {
  const ref = { fleet: input.fleet, name: run.view.name };
  const observation = await observe(run, ref, scope);
  const preliminary = planUpgrade(scope, observation, {}, input);
  if (preliminary.refusals.length > 0) {
    run.judge(preliminary.gates);
    return preliminary;
  }
  const plan = planUpgrade(scope, observation, await buildClosures(run, ref, scope), input);
  run.judge(plan.gates);
  return plan;
}

function observe(run: Run, ref: RunRef, scope: UpgradeScope): Promise<UpgradeObservation> {
  return run.step(
    { id: 'observe', phase: 'gate', title: 'cluster, machines, pools, backups', kind: 'observe' },
    (act) => act.observeUpgrade({ run: ref, scope }),
    ({ members, instances }) => ({
      state: 'done',
      detail: `${count(members.length, 'member')}, ${count(instances.length, 'instance')}`,
    }),
  );
}

async function buildClosures(run: Run, ref: RunRef, scope: UpgradeScope): Promise<Record<string, Closure>> {
  const closures: Record<string, Closure> = {};
  for (const { node, deploys } of scope.targets) {
    if (!deploys) continue;
    closures[node] = await run.step(
      { id: `build-${node}`, phase: 'plan', title: `build ${node}`, kind: 'long' },
      (act) => act.buildClosure({ ...ref, node }),
      ({ nixosVersion }) => ({ state: 'done', detail: nixosVersion }),
    );
  }
  return closures;
}
