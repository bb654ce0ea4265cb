import { previewUpgrade } from '../plan/preview.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import type { SafeUpgradeInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { cleanUp, forgetJobs } from './upgrade/clean-up.ts';
import { updateContainers } from './upgrade/containers.ts';
import { deployAll } from './upgrade/deploy.ts';
import { verify } from './upgrade/health.ts';
import { makePlan, resolveScope } from './upgrade/observe.ts';
import { previewUnits } from './upgrade/preview.ts';
import { alreadySo, done, planned, refused } from './upgrade/results.ts';
import { rollBack } from './upgrade/roll-back.ts';
import { approveReboot } from './upgrade/approvals.ts';
import { takeSnapshots } from './upgrade/snapshots.ts';
import { startUpgrade } from './upgrade/upgrade.ts';

/**
 * Brings one node (a member with its guests, or a guest) to the system that the flake describes at the pinned
 * revision, with a snapshot before and a verified way back.
 */
export async function safeUpgrade(input: SafeUpgradeInput): Promise<RunView> {
  const run = new Run({
    runbook: 'safe-upgrade',
    subject: input.node,
    revision: input.fleet.revision,
    startedBy: input.actor,
    ...(input.resume && { name: input.resume.name }),
  });
  return conclude(
    run,
    async () => {
      const scope = await resolveScope(run, input);
      if (input.planOnly) return onlyPlan(run, scope, input);
      return withLocks(run, [`member/${scope.member}`], () => upgrade(run, scope, input));
    },
    input,
  );
}

async function onlyPlan(run: Run, scope: UpgradeScope, input: SafeUpgradeInput): Promise<RunResult> {
  const plan = await makePlan(run, scope, input);
  if (plan.refusals.length === 0) run.announce(previewUpgrade(scope, plan, await previewUnits(run, plan.deployments)));
  return planned(run, plan);
}

async function upgrade(run: Run, scope: UpgradeScope, input: SafeUpgradeInput): Promise<RunResult> {
  const plan = await makePlan(run, scope, input);
  if (plan.refusals.length > 0) return refused(plan);
  if (plan.alreadySo && !input.resume) return alreadySo(run, scope);
  run.announce(plan.steps);
  await approveReboot(run, scope, plan);

  const upgrade = startUpgrade(run, scope, input, plan);
  try {
    await takeSnapshots(upgrade);
    await deployAll(upgrade);
    await updateContainers(upgrade);
    await verify(upgrade);
    await run.hold();
  } catch (error) {
    return await run.unstoppable(() => rollBack(upgrade, error));
  } finally {
    await run.unstoppable(() => forgetJobs(upgrade));
  }
  await run.unstoppable(() => cleanUp(upgrade));
  return done(upgrade);
}
