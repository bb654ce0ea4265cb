import type { Finding } from '../../plan/observation.ts';
import type { InstanceState } from '../../plan/observation.ts';
import { durationMs } from '../../plan/duration.ts';
import { describeFailure } from '../support/failures.ts';
import { describeFindings, lookForTrouble } from './health.ts';
import type { Undone } from './roll-back.ts';
import type { Upgrade } from './upgrade.ts';

/**
 * The last rung, for guests that are still unhealthy: it loses what was written since, so the guest's policy
 * decides, and a person where that says `ask`. Returns what is unhealthy at the end.
 */
export async function restoreSnapshots(
  upgrade: Upgrade,
  trouble: readonly Finding[],
  undone: Undone,
): Promise<readonly Finding[]> {
  const sick = upgrade.plan.instances.filter(
    ({ guest }) => guest !== undefined && trouble.some(({ node }) => node === guest),
  );
  let restored = false;
  for (const instance of sick) {
    const findings = trouble.filter(({ node }) => node === instance.guest);
    if (await mayRestore(upgrade, instance, findings))
      restored = (await restore(upgrade, instance, undone)) || restored;
  }
  return restored ? lookForTrouble(upgrade, 'restored') : trouble;
}

async function mayRestore(upgrade: Upgrade, { name }: InstanceState, findings: Finding[]): Promise<boolean> {
  const { run, scope, ref, begun } = upgrade;
  if (!begun.snapshots) return false;
  const policy = scope.targets.find(({ node }) => node === name)?.snapshotRollback ?? 'never';
  if (policy !== 'ask') return policy === 'automatic';
  const question = {
    id: `restore-${name}`,
    destructive: true,
    question: `${name} is still unhealthy (${describeFindings(findings)}). Restore its snapshot ${ref.name}?`,
    consequences: [
      `Yes: what ${name} wrote since ${run.view.steps.find(({ phase }) => phase === 'snapshot')?.startedAt ?? 'then'} is lost.`,
      `No, or no answer in time: ${name} stays as it is; the snapshot is kept until ${upgrade.snapshotsUntil}.`,
    ],
    timeoutMs: durationMs(scope.policy.approvalTimeout),
  };
  try {
    return (await run.ask(question)).approved;
  } catch (error) {
    run.warn(`${name} stays as it is: nobody knows who has to say yes. ${describeFailure(error).message}`);
    return false;
  }
}

async function restore(upgrade: Upgrade, instance: InstanceState, undone: Undone): Promise<boolean> {
  const { run, ref, scope } = upgrade;
  const { project, name, volumes } = instance;
  const place = { ...ref, member: scope.member, project, snapshot: ref.name };
  try {
    await run.step(
      { id: `undo-snapshot-${name}`, phase: 'roll back', title: `${name} → snapshot ${ref.name}`, kind: 'rollBack' },
      async (act) => {
        await act.restoreInstance({ ...place, instance: name, volumes });
      },
      () => ({ state: 'done', detail: 'what was written since is gone' }),
    );
    undone.undone.push(`${name} is as in snapshot ${ref.name}`);
    // Its containers and its system are in there: what could not be brought back by hand is back.
    undone.problems = undone.problems.filter(({ node }) => node !== name);
    return true;
  } catch (error) {
    undone.problems.push({ node: name, text: `${name}: snapshot not restored: ${describeFailure(error).message}` });
    return false;
  }
}
