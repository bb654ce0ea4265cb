import type { UpgradePolicy } from '../fleet/schema.ts';
import type { Closure, Finding, InstanceState, SystemState, UpgradeObservation } from './observation.ts';
import { count } from './count.ts';
import { durationWords } from './duration.ts';
import { checkGates, type Gate } from './gates.ts';
import { needsReboot } from './reboot.ts';
import type { StepView } from './run.ts';

/** What the fleet file says about the node, as far as an upgrade needs it. */
export interface UpgradeScope {
  node: string;
  kind: 'member' | 'guest';
  member: string;
  /** The node itself and, for a member, the guests on it, in the order in which they are deployed. */
  targets: UpgradeTarget[];
  policy: UpgradePolicy;
}

export interface UpgradeTarget {
  node: string;
  kind: 'member' | 'guest';
  /** Nothing is deployed into a guest without a deploy node. */
  deploys: boolean;
  containers: boolean;
  /** Which containers, for people: their names, or the compose file. */
  containerNote?: string;
  probes: number;
  /** Guests only: whether a rollback may restore the instance snapshot. */
  snapshotRollback: 'automatic' | 'ask' | 'never';
  /** Guests only. */
  project: string;
}

export interface UpgradeOptions {
  /** Members that may be away, and guests that are left as they are. */
  allowOffline: string[];
  allowOrchestrator: boolean;
}

/** One deployment: from what is there to what the flake says. */
export interface Deployment {
  node: string;
  kind: 'member' | 'guest';
  from: SystemState;
  to: Closure;
  /** `already`: the machine runs this closure, nothing is deployed. `boot`: it takes a reboot to get there. */
  mode: 'already' | 'switch' | 'boot';
}

export interface UpgradePlan {
  gates: Gate[];
  /** Non-empty: nothing is done. */
  refusals: Gate[];
  deployments: Deployment[];
  /** Instances to be snapshotted, with their custom volumes. */
  instances: InstanceState[];
  /** Guests whose containers are updated. */
  updates: string[];
  /** Failed units that were there before, by node. */
  failedBefore: Record<string, string[]>;
  /** Keys of findings ({@link findingKey}) that were unhealthy before. */
  unhealthyBefore: string[];
  steps: StepView[];
  /** Nothing is to be done. */
  alreadySo: boolean;
}

/** Without the guests that are meant to be off; the node that was asked for stays. */
export function leaveOut(scope: UpgradeScope, { allowOffline }: Pick<UpgradeOptions, 'allowOffline'>): UpgradeScope {
  const targets = scope.targets.filter(({ node }) => node === scope.node || !allowOffline.includes(node));
  return { ...scope, targets };
}

/**
 * Decides what a safe-upgrade does. Pure: the same observation gives the same plan.
 * `closures` has one entry per target that deploys.
 */
export function planUpgrade(
  scope: UpgradeScope,
  observation: UpgradeObservation,
  closures: Readonly<Record<string, Closure>>,
  options: UpgradeOptions,
): UpgradePlan {
  const deployments = planDeployments(scope, observation, closures);
  const gates = checkGates(scope, observation, deployments, options);
  const changes = deployments.filter(({ mode }) => mode !== 'already');
  const updates = scope.targets.filter((target) => target.containers).map((target) => target.node);
  const hostChanges = changes.some(({ kind }) => kind === 'member');
  const instances = observation.instances.filter((instance) => isAffected(instance, hostChanges, changes, updates));
  const plan = {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    deployments,
    instances,
    updates,
    failedBefore: Object.fromEntries(observation.targets.map(({ node, system }) => [node, system?.failedUnits ?? []])),
    unhealthyBefore: observation.health.filter(({ healthy }) => !healthy).map(findingKey),
    alreadySo: changes.length === 0 && updates.length === 0,
  };
  return { ...plan, steps: upgradeSteps(scope, plan) };
}

export function planDeployments(
  scope: UpgradeScope,
  observation: UpgradeObservation,
  closures: Readonly<Record<string, Closure>>,
): Deployment[] {
  return scope.targets.flatMap(({ node, kind }) => {
    const to = closures[node];
    const from = observation.targets.find((target) => target.node === node)?.system;
    return to && from ? [{ node, kind, from, to, mode: deploymentMode(from, to) }] : [];
  });
}

/** An unchanged closure is never deployed again: deploy-rs would delete the good generation if that failed. */
function deploymentMode(from: SystemState, to: Closure): Deployment['mode'] {
  if (needsReboot(from.booted, to.parts)) return 'boot';
  return from.profilePath === to.path && from.runningPath === to.path ? 'already' : 'switch';
}

/** How a deployment is taken back: `boot` where the machine has to restart to leave the new system. */
export function undoMode({ from, to }: Pick<Deployment, 'from' | 'to'>): 'switch' | 'boot' {
  return needsReboot(from.booted, to.parts) ? 'boot' : 'switch';
}

/** A change of the host touches every instance on it; a change of a guest touches that guest. */
function isAffected(
  instance: InstanceState,
  hostChanges: boolean,
  changes: readonly Deployment[],
  updates: readonly string[],
): boolean {
  if (hostChanges) return true;
  const { guest } = instance;
  return guest !== undefined && (updates.includes(guest) || changes.some(({ node }) => node === guest));
}

/** The steps that the plan leads to, as they are shown before and while they run. Ids are stable across plans. */
function upgradeSteps(scope: UpgradeScope, plan: Omit<UpgradePlan, 'steps'>): StepView[] {
  const steps: StepView[] = [];
  const add = (
    id: string,
    phase: StepView['phase'],
    title: string,
    state: StepView['state'] = 'pending',
    detail?: string,
  ): void => {
    steps.push({ id, phase, title, state, ...(detail === undefined ? {} : { detail }) });
  };
  for (const instance of plan.instances) {
    add(`snapshot-${instance.project}-${instance.name}`, 'snapshot', instance.name);
    for (const { pool, name } of instance.volumes) add(`snapshot-volume-${pool}-${name}`, 'snapshot', `volume ${name}`);
  }
  for (const deployment of plan.deployments) addDeployment(deployment, add);
  for (const guest of plan.updates) {
    add(`images-${guest}`, 'update', `${guest}: note running images`);
    add(`update-${guest}`, 'update', `${guest}: containers`);
  }
  if (!plan.alreadySo) {
    add('verify', 'verify', healthTitle(scope));
    add('soak', 'verify', `${durationWords(scope.policy.soak)} of quiet`);
    add('prune', 'clean up', 'snapshots of earlier runs');
  }
  return steps;
}

function addDeployment(
  { node, kind, from, to, mode }: Deployment,
  add: (id: string, phase: StepView['phase'], title: string, state?: StepView['state'], detail?: string) => void,
): void {
  const title = `${kind === 'member' ? 'host' : node} ${from.nixosVersion} → ${to.nixosVersion}`;
  if (mode === 'already') {
    add(`deploy-${node}`, 'deploy', node, 'already', `is at ${to.nixosVersion}`);
    return;
  }
  if (mode === 'switch') {
    add(`deploy-${node}`, 'deploy', title);
    return;
  }
  if (kind === 'member') add('drain', 'drain', `${node}: stop its instances`);
  add(`deploy-${node}`, 'deploy', `${title}, for the next boot`);
  add(`reboot-${node}`, 'deploy', `restart ${node}`);
  if (kind === 'member') add('restore', 'deploy', `${node}: start its instances`);
}

function healthTitle({ targets }: UpgradeScope): string {
  const probes = targets.reduce((sum, target) => sum + target.probes, 0);
  return `${probes === 0 ? '' : `${count(probes, 'probe')}, `}cluster, units`;
}

/** Identifies a check across looks. */
export function findingKey({ node, check }: Finding): string {
  return `${node} ${check}`;
}
