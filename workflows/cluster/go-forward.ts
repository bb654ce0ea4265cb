import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { clusterStepTitle, type ClusterUpgradePlan } from '../../plan/cluster-upgrade.ts';
import { count } from '../../plan/count.ts';
import type { UpgradeObservation } from '../../plan/observation.ts';
import type { RunResult } from '../../plan/run.ts';
import type { Deployment, UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { RunRef } from '../../activities/contract.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

/** Deploys everywhere at once; each member's Incus is nursed until it answers with the new version. */
export async function goForward(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
  plan: ClusterUpgradePlan,
): Promise<RunResult> {
  // Where one member stays behind, the others answer nobody: there is nothing to wait for then.
  const answers = new CancellationScope();
  const ends = await Promise.allSettled(
    plan.deployments.flatMap((deployment) => [
      deployMember(run, ref, deployment, plan).catch((error: unknown) => {
        answers.cancel();
        throw error;
      }),
      answers.run(() => awaitAnswer(run, ref, deployment, plan.to)),
    ]),
  );
  const problems = ends.flatMap((end) =>
    end.status === 'rejected' && !isCancellation(end.reason) ? [describeFailure(end.reason).message] : [],
  );
  problems.push(...(await verify(run, ref, scopes, observations)));
  await forgetJobs(run, ref, scopes);
  if (problems.length === 0)
    return {
      outcome: 'Done',
      summary: `Incus is ${plan.to} on ${scopes.length === 1 ? 'the one member' : `all ${scopes.length} members`}.`,
      left: [],
      next: [],
    };
  return {
    outcome: 'Failed',
    summary: `The cluster needs you: ${problems.join('; ')}`,
    failure: {
      type: 'Unhealthy',
      message: problems.join('; '),
      whatToDo: 'There is no way back from an Incus upgrade. Mend what is named, then runbook retry: it goes on.',
    },
    left: problems,
    next: [{ command: 'runbook retry cluster-upgrade/all', purpose: 'go on when it is mended' }],
  };
}

async function deployMember(run: Run, ref: RunRef, deployment: Deployment, plan: ClusterUpgradePlan): Promise<void> {
  const { node, from, to, mode } = deployment;
  await run.step(
    { id: `deploy-${node}`, phase: 'deploy', title: clusterStepTitle(node, plan.from, plan.to), kind: 'long' },
    async (act) => {
      if (mode === 'already') return;
      const input = { ...ref, node, before: from, closure: to, mode: 'switch' as const, magicRollback: false };
      const { complaint } = await act.deploySystem(input);
      if (complaint !== undefined)
        run.warn(
          `${node} has its new system, but its activation failed: ${complaint.trimEnd().split('\n').at(-1) ?? ''}`,
        );
    },
    () => ({ state: mode === 'already' ? 'already' : 'done' }),
  );
}

async function awaitAnswer(run: Run, ref: RunRef, { node, to }: Deployment, version: string): Promise<void> {
  await run.step(
    { id: `incus-${node}`, phase: 'deploy', title: `${node}: Incus answers`, kind: 'act' },
    (act) => act.awaitIncusVersion({ ...ref, member: node, version, system: to.path }),
    ({ restarts }) => ({ state: 'done', ...(restarts > 0 ? { detail: `after ${count(restarts, 'restart')}` } : {}) }),
  );
}

async function verify(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
): Promise<string[]> {
  const member = scopes[0]?.member ?? '';
  const failedBefore = Object.fromEntries(
    observations.flatMap(({ targets }) => targets.map(({ node, system }) => [node, system?.failedUnits ?? []])),
  );
  try {
    const { findings } = await run.step(
      { id: 'verify', phase: 'verify', title: 'every member Online, probes', kind: 'act' },
      (act) =>
        act.checkHealth({
          ...ref,
          member,
          nodes: scopes.map(({ node }) => node),
          failedBefore,
          allowOffline: [],
          patience: 'patient',
        }),
      ({ healthy, findings }) => ({
        state: 'done',
        detail: healthy
          ? `${findings.length} of ${findings.length} hold`
          : `${findings.filter((f) => f.healthy).length} of ${findings.length} hold`,
      }),
    );
    return findings.filter(({ healthy }) => !healthy).map(({ node, check, detail }) => `${node} ${check}: ${detail}`);
  } catch (error) {
    return [describeFailure(error).message];
  }
}

async function forgetJobs(run: Run, ref: RunRef, scopes: readonly UpgradeScope[]): Promise<void> {
  try {
    await run.step(
      { id: 'forget-jobs', phase: 'clean up', title: 'job records', kind: 'observe' },
      (act) => act.forgetJobs({ ...ref, nodes: scopes.map(({ node }) => node) }),
      () => ({ state: 'done' }),
    );
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.warn(`Job records were not removed: ${describeFailure(error).message}`);
  }
}
