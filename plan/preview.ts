import type { ClusterUpgradePlan } from './cluster-upgrade.ts';
import { count } from './count.ts';
import { durationWords } from './duration.ts';
import type { InstanceState } from './observation.ts';
import { needsReboot } from './reboot.ts';
import type { StepView } from './run.ts';
import type { Deployment, UpgradePlan, UpgradeScope } from './safe-upgrade.ts';

/** Units that a switch would restart, by node; absent where nothing is switched. */
export type Restarts = Readonly<Record<string, readonly string[]>>;

/**
 * The steps of a plan for a person who decides: fewer lines than the run has steps, and each says what a
 * run need not say of itself. Pure.
 */
export function previewUpgrade(scope: UpgradeScope, plan: UpgradePlan, restarts: Restarts): StepView[] {
  const { policy } = scope;
  const steps = plan.steps.flatMap((step) => {
    if (step.phase === 'snapshot' || step.id === 'soak') return [];
    // What it does for itself: nothing that a person decides about.
    return step.id.startsWith('images-') ? [] : [withDetail(step, upgradeDetail(step.id, scope, plan, restarts))];
  });
  return [
    ...snapshotLine(plan.instances, policy.snapshotExpiry, { volumes: true }),
    ...steps,
    ...(plan.alreadySo ? [] : [wayBack(scope, plan)]),
  ];
}

function upgradeDetail(
  id: string,
  { policy, targets }: UpgradeScope,
  plan: UpgradePlan,
  restarts: Restarts,
): string | undefined {
  if (id === 'verify') return `then ${durationWords(policy.soak)} of quiet`;
  if (id === 'prune') return `but for the last ${policy.keepRuns}`;
  if (id === 'drain') return plan.instances.map(({ name }) => name).join(', ');
  if (id.startsWith('reboot-') && policy.reboot === 'ask') return 'asks first';
  const update = targets.find(({ node }) => id === `update-${node}`);
  if (update) return update.containerNote;
  const deployment = plan.deployments.find(({ node, mode }) => id === `deploy-${node}` && mode !== 'already');
  return deployment && joined([...hostFacts(deployment), restartFact(deployment.node, restarts)]);
}

/** What an upgrade of a host leaves as it is is as good to know as what it changes. */
function hostFacts({ kind, mode, to }: Deployment): string[] {
  if (kind !== 'member') return [];
  return [mode === 'boot' ? '' : 'no reboot', ...to.incusVersions.map((version) => `Incus stays ${version}`)];
}

function restartFact(node: string, restarts: Restarts): string {
  const units = restarts[node];
  if (units === undefined) return '';
  return units.length === 0 ? 'restarts nothing' : `restarts ${units.join(', ')}`;
}

/** What would be undone if the upgrade failed, in the order of the rungs. */
function wayBack(scope: UpgradeScope, plan: UpgradePlan): StepView {
  const changes = plan.deployments.filter(({ mode }) => mode !== 'already');
  const snapshots = scope.targets
    .filter(({ node, kind, snapshotRollback }) => kind === 'guest' && snapshotRollback !== 'never' && has(plan, node))
    .map(({ node, snapshotRollback }) => (snapshotRollback === 'ask' ? `${node}: asks first` : node));
  const rungs = [
    plan.updates.length > 0 ? 'containers' : '',
    changes.some(({ kind }) => kind === 'guest') ? 'guests' : '',
    changes.some(({ kind }) => kind === 'member') ? 'host' : '',
    snapshots.length > 0 ? `snapshots (${snapshots.join(', ')})` : '',
  ].filter((rung) => rung !== '');
  return { id: 'way-back', phase: 'roll back', title: `if it fails: ${rungs.join(' → ')}`, state: 'pending' };
}

const has = ({ instances }: UpgradePlan, guest: string): boolean =>
  instances.some((instance) => instance.guest === guest);

/** The same for the move of all members at once. */
export function previewClusterUpgrade(
  plan: ClusterUpgradePlan,
  { instances, expiry }: { instances: readonly InstanceState[]; expiry: string },
  restarts: Restarts,
): StepView[] {
  return [
    // A run that was interrupted half-way made its snapshots.
    ...(plan.halfWay ? [] : snapshotLine(instances, expiry, { volumes: false })),
    ...plan.steps.map((step) => {
      const deployment = plan.deployments.find(({ node, mode }) => step.id === `deploy-${node}` && mode !== 'already');
      return withDetail(step, deployment && clusterDetail(deployment, plan, restarts));
    }),
  ];
}

function clusterDetail({ node, from, to }: Deployment, plan: ClusterUpgradePlan, restarts: Restarts): string {
  return joined([
    from.nixosVersion === to.nixosVersion ? '' : `system ${from.nixosVersion} → ${to.nixosVersion}`,
    needsReboot(from.booted, to.parts) ? 'its reboot is left for later' : '',
    restartFact(node, restarts),
  ]);
}

/** `edge-vm, home-vm and 2 volumes   kept 7 days` */
function snapshotLine(
  instances: readonly InstanceState[],
  expiry: string,
  { volumes }: { volumes: boolean },
): StepView[] {
  if (instances.length === 0) return [];
  const number = volumes ? instances.reduce((sum, instance) => sum + instance.volumes.length, 0) : 0;
  const names = instances.map(({ name }) => name).join(', ');
  return [
    {
      id: 'snapshots',
      phase: 'snapshot',
      title: number === 0 ? names : `${names} and ${count(number, 'volume')}`,
      state: 'pending',
      detail: `kept ${durationWords(expiry)}`,
    },
  ];
}

const joined = (facts: readonly string[]): string => facts.filter((fact) => fact !== '').join(' · ');

const withDetail = (step: StepView, detail: string | undefined): StepView =>
  detail === undefined || detail === '' ? step : { ...step, detail };
