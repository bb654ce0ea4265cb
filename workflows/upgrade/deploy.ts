import type { Deployment } from '../../plan/safe-upgrade.ts';
import { remember, type Upgrade } from './upgrade.ts';

/** The host first, then its guests; where a reboot is ahead, between stopping and starting the instances. */
export async function deployAll(upgrade: Upgrade): Promise<void> {
  for (const deployment of upgrade.plan.deployments) {
    if (deployment.mode === 'already') continue;
    const begun = { deployment, finished: false };
    const drains = deployment.mode === 'boot' && deployment.kind === 'member';
    if (drains) await drain(upgrade);
    upgrade.begun.deployments.push(begun);
    remember(upgrade);
    await deploy(upgrade, deployment);
    if (deployment.mode === 'boot') await reboot(upgrade, deployment);
    begun.finished = true;
    if (drains) await returnToService(upgrade);
  }
  // Only where a retry found the restart done and the instances still stopped.
  await returnToService(upgrade);
}

async function deploy({ run, ref }: Upgrade, { node, kind, from, to, mode }: Deployment): Promise<void> {
  const title = `${kind === 'member' ? 'host' : node} → ${to.nixosVersion}`;
  await run.step(
    { id: `deploy-${node}`, phase: 'deploy', title, kind: 'long' },
    (act) =>
      act.deploySystem({
        ...ref,
        node,
        before: from,
        closure: to,
        mode: mode === 'boot' ? 'boot' : 'switch',
        magicRollback: true,
      }),
    ({ type }) => ({ state: type === 'already' ? 'already' : 'done' }),
  );
}

async function reboot({ run, ref }: Upgrade, { node, from }: Deployment): Promise<void> {
  await run.step(
    { id: `reboot-${node}`, phase: 'deploy', title: `restart ${node}`, kind: 'act' },
    (act) => act.reboot({ ...ref, node, bootId: from.bootId }),
    ({ nixosVersion }) => ({ state: 'done', detail: `booted ${nixosVersion}` }),
  );
}

async function drain(upgrade: Upgrade): Promise<void> {
  const { run, ref, scope } = upgrade;
  const { member } = scope;
  // Registered before acting; taken back if it turns out that somebody else had evacuated it.
  upgrade.begun.evacuated = true;
  remember(upgrade);
  await run.step(
    { id: 'drain', phase: 'drain', title: `${member}: stop its instances`, kind: 'act' },
    async (act) => {
      const result = await act.evacuateMember({ ...ref, member });
      upgrade.begun.evacuated = result === 'evacuated' || upgrade.input.resume?.evacuated === true;
      remember(upgrade);
      return result;
    },
    (result) => ({ state: result === 'evacuated' ? 'done' : 'already' }),
  );
}

/** Returns the member to service if this run took it out. */
export async function returnToService(upgrade: Upgrade): Promise<void> {
  const { run, ref, scope } = upgrade;
  if (!upgrade.begun.evacuated) return;
  await run.step(
    { id: 'restore', phase: 'deploy', title: `${scope.member}: start its instances`, kind: 'act' },
    (act) => act.restoreMember({ ...ref, member: scope.member }),
    (result) => ({ state: result === 'restored' ? 'done' : 'already' }),
  );
  upgrade.begun.evacuated = false;
  remember(upgrade);
}
