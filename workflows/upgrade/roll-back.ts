import { isCancellation } from '@temporalio/workflow';
import type { RunResult } from '../../plan/run.ts';
import { undoMode, type Deployment } from '../../plan/safe-upgrade.ts';
import { describeFailure } from '../support/failures.ts';
import { forgetImages } from './clean-up.ts';
import { returnToService } from './deploy.ts';
import { describeFindings, lookForTrouble } from './health.ts';
import { notRolledBack, rolledBack } from './results.ts';
import { restoreSnapshots } from './restore-snapshots.ts';
import type { Upgrade } from './upgrade.ts';

/** What a rollback did and could not do. */
export interface Undone {
  /** What holds now: `edge-vm runs its former containers`, `elitedesk-1 keeps 26.05.3` */
  undone: string[];
  /** What could not be undone, each with its reason, and the node that it is about. */
  problems: { node: string; text: string }[];
}

/**
 * The ladder, lowest data loss first: containers, guests, host, snapshots. What was left half-way is always
 * brought back; what was finished only if the node is still unhealthy, or if the run was cancelled.
 * Each rung is verified. Never throws: what cannot be undone is reported.
 */
export async function rollBack(upgrade: Upgrade, error: unknown): Promise<RunResult> {
  const cause = describeFailure(error);
  const everything = isCancellation(error);
  const undone: Undone = { undone: [], problems: [] };
  const { begun } = upgrade;

  for (const guest of begun.images.keys()) await rollBackContainers(upgrade, guest, undone);
  for (const kind of ['guest', 'member'] as const) {
    const rung = begun.deployments.filter(({ deployment }) => deployment.kind === kind);
    const pending = rung.filter(({ finished }) => everything || !finished);
    for (const item of pending) await rollBackDeployment(upgrade, item, undone);
    const others = rung.filter((item) => !pending.includes(item));
    if (others.length === 0 || (await isHealthy(upgrade, `before-${kind}`))) {
      for (const { deployment } of others) keep(upgrade, deployment, undone);
      continue;
    }
    for (const item of others) await rollBackDeployment(upgrade, item, undone);
  }
  await attempt(undone, upgrade.scope.member, 'return to service', () => returnToService(upgrade));

  const trouble = await lookForTrouble(upgrade, 'after');
  const remaining = await restoreSnapshots(upgrade, trouble, undone);
  if (remaining.length > 0 || undone.problems.length > 0)
    return notRolledBack(upgrade, cause, undone, describeFindings(remaining));
  await forgetImages(upgrade);
  return rolledBack(upgrade, cause, undone);
}

type Begun = Upgrade['begun']['deployments'][number];

async function rollBackContainers(upgrade: Upgrade, guest: string, undone: Undone): Promise<void> {
  const { run, ref, begun } = upgrade;
  await attempt(undone, guest, 'containers', async () => {
    const result = await run.step(
      {
        id: `undo-containers-${guest}`,
        phase: 'roll back',
        title: `${guest}: containers to the former images`,
        kind: 'rollBack',
      },
      (act) => act.rollBackContainers({ ...ref, node: guest, before: begun.images.get(guest) ?? [] }),
      (value) => ({ state: value === 'already' ? 'already' : 'done' }),
    );
    // A second attempt finds them rolled back by the first.
    if (result === 'rolled back' || !begun.unchangedContainers.has(guest))
      undone.undone.push(`${guest} runs its former containers`);
  });
}

async function rollBackDeployment(upgrade: Upgrade, begun: Begun, undone: Undone): Promise<void> {
  const { run, ref } = upgrade;
  const { node, from } = begun.deployment;
  // Also of one that an earlier attempt finished, which this one found there.
  const mode = undoMode(begun.deployment);
  await attempt(undone, node, 'system', async () => {
    const result = await run.step(
      { id: `undo-deploy-${node}`, phase: 'roll back', title: `${node} → ${from.nixosVersion}`, kind: 'rollBack' },
      (act) =>
        act.rollBackSystem({
          ...ref,
          node,
          before: from,
          mode,
          interrupted: !begun.finished,
        }),
      ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
    );
    if (mode === 'boot' && result.system.bootId !== from.bootId) await rebootBack(upgrade, node, result.system.bootId);
    undone.undone.push(`${node} runs ${from.nixosVersion}`);
  });
}

/** It had restarted into the new system, so it takes another restart to leave it. */
async function rebootBack({ run, ref }: Upgrade, node: string, bootId: string): Promise<void> {
  await run.step(
    { id: `undo-reboot-${node}`, phase: 'roll back', title: `restart ${node}`, kind: 'rollBack' },
    (act) => act.reboot({ ...ref, node, bootId }),
    ({ nixosVersion }) => ({ state: 'done', detail: `booted ${nixosVersion}` }),
  );
}

/** What is healthy is not taken back, and whoever reads the end is told. */
function keep(upgrade: Upgrade, { node, to }: Deployment, undone: Undone): void {
  undone.undone.push(`${node} keeps ${to.nixosVersion}`);
  upgrade.run.note({
    id: `undo-deploy-${node}`,
    phase: 'roll back',
    title: node,
    state: 'not needed',
    detail: `it is healthy at ${to.nixosVersion}`,
  });
}

async function isHealthy(upgrade: Upgrade, name: string): Promise<boolean> {
  return (await lookForTrouble(upgrade, name)).length === 0;
}

async function attempt(undone: Undone, node: string, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, whatToDo } = describeFailure(error);
    undone.problems.push({ node, text: `${node}: ${what}: ${message} ${whatToDo}` });
  }
}
