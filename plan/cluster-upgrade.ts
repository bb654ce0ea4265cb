import { compareVersions } from './versions.ts';
import { checkGates, type Gate } from './gates.ts';
import type { Closure, MemberState, UpgradeObservation } from './observation.ts';
import type { StepView } from './run.ts';
import { planDeployments, type Deployment, type UpgradeScope } from './safe-upgrade.ts';
import { asSentence } from './sentence.ts';

export interface ClusterUpgradePlan {
  gates: Gate[];
  refusals: Gate[];
  /** Incus as the members run it now, and as all of them will. */
  from: string[];
  to: string;
  deployments: Deployment[];
  /** As they are shown before and while they run. */
  steps: StepView[];
  /** An earlier run was interrupted: some members have the new version, and the API is blocked until all have. */
  halfWay: boolean;
  alreadySo: boolean;
}

/** Gates that a version change is about, or that have a meaning of their own here. */
const OTHERWISE_JUDGED = new Set<Gate['name']>(['versions', 'incus version', 'reboot', 'orchestrator', 'members']);

/**
 * All members to the Incus version that their new systems bring, at once. Pure.
 * A run that was interrupted finds members of two versions, some of them `Blocked`: that is no reason to refuse.
 */
export function planClusterUpgrade(
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
  closures: Readonly<Record<string, Closure>>,
): ClusterUpgradePlan {
  const deployments = scopes.flatMap((scope, index) => {
    const observation = observations[index];
    return observation ? planDeployments(scope, observation, closures).map(asSwitch) : [];
  });
  const from = [...new Set(observations[0]?.members.flatMap(({ incusVersion }) => incusVersion ?? []))].sort();
  const targets = [...new Set(scopes.flatMap(({ node }) => closures[node]?.incusVersions ?? []))];
  const to = targets[0] ?? '';
  const built = Object.keys(closures).length > 0;
  const members = observations[0]?.members ?? [];
  const waiting = members.filter((member) => waits(member, deployments));
  const halfWay = from.length > 1 || members.some(({ status }) => status === 'Blocked') || waiting.length > 0;
  const gates = [
    ...commonGates(scopes, observations, deployments).map((gate) => (halfWay ? letWait(gate) : gate)),
    ...(built ? versionGates(scopes, closures, from, targets, deployments) : []),
    ...members.map((member) => memberGate(member, to, halfWay, built ? [] : reachable(observations))),
  ];
  return {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    from,
    to,
    deployments,
    steps: clusterSteps(deployments, from, to),
    halfWay,
    alreadySo:
      deployments.every(({ mode }) => mode === 'already') &&
      from.length === 1 &&
      from[0] === to &&
      members.every(({ incusVersion }) => incusVersion !== undefined),
  };
}

function clusterSteps(deployments: readonly Deployment[], from: readonly string[], to: string): StepView[] {
  return [
    ...deployments.map(({ node, mode }): StepView => ({
      id: `deploy-${node}`,
      phase: 'deploy',
      title: clusterStepTitle(node, from, to),
      state: mode === 'already' ? 'already' : 'pending',
    })),
    { id: 'verify', phase: 'verify', title: 'every member Online, probes', state: 'pending' },
  ];
}

/** `nuc-1: Incus 6.0.4 → 7.0.2` */
export function clusterStepTitle(node: string, from: readonly string[], to: string): string {
  const former = from.filter((version) => version !== to);
  return `${node}: Incus ${former.length === 0 ? '' : `${former.join(', ')} `}→ ${to}`;
}

/** A pending reboot waits: the daemons have to change together, kernels do not. */
function asSwitch(deployment: Deployment): Deployment {
  const { from, to } = deployment;
  const there = from.profilePath === to.path && from.runningPath === to.path;
  return { ...deployment, mode: there ? 'already' : 'switch' };
}

function commonGates(
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
  deployments: readonly Deployment[],
): Gate[] {
  return scopes.flatMap((scope, index) => {
    const observation = observations[index];
    if (!observation) return [];
    return checkGates(scope, observation, deployments, { allowOffline: [], allowOrchestrator: true }).filter(
      ({ name }) => !OTHERWISE_JUDGED.has(name),
    );
  });
}

/** Half-way, an activation waits for its Incus to start, which waits for the other members: refusing would keep it so. */
function letWait(gate: Gate): Gate {
  return gate.name === 'activations' && gate.verdict === 'refused' ? { ...gate, verdict: 'warning' } : gate;
}

/** Its host has the new system and its Incus says nothing: it waits for the others, or died in its database patch. */
function waits({ name, incusVersion }: MemberState, deployments: readonly Deployment[]): boolean {
  return incusVersion === undefined && deployments.some(({ node, mode }) => node === name && mode === 'already');
}

/** Hosts that could be read. Whether a silent Incus on one of them has its new version already shows when it is built. */
function reachable(observations: readonly UpgradeObservation[]): string[] {
  return observations.flatMap(({ targets }) => targets.flatMap(({ node, system }) => (system ? [node] : [])));
}

function memberGate(
  { name, status, message, incusVersion, problem }: MemberState,
  to: string,
  halfWay: boolean,
  undecided: readonly string[],
): Gate {
  // One that is upgraded already answers nobody before the others are; whether its host can be reached is another gate.
  if (halfWay && incusVersion === undefined)
    return { name: 'members', verdict: 'passed', message: `${name} waits for the others` };
  if (incusVersion === undefined)
    return {
      name: 'members',
      verdict: undecided.includes(name) ? 'warning' : 'refused',
      message: `${name} did not tell its Incus version: ${asSentence(problem ?? 'no answer')}`,
      whatToDo: 'All members change at once, so all have to be there. runbook doctor shows what is wrong.',
    };
  if (status === 'Online' || status === 'Blocked' || incusVersion === to)
    return { name: 'members', verdict: 'passed', message: `${name} is ${status}` };
  return {
    name: 'members',
    verdict: 'refused',
    message: `${name} is ${status}${message === '' ? '' : ` (${message})`}.`,
    whatToDo: 'All members change at once, so all have to be Online first.',
  };
}

function versionGates(
  scopes: readonly UpgradeScope[],
  closures: Readonly<Record<string, Closure>>,
  from: readonly string[],
  targets: readonly string[],
  deployments: readonly Deployment[],
): Gate[] {
  const each = scopes.map(({ node }) => `${node} ${closures[node]?.incusVersions.join('+') || 'none'}`).join(', ');
  const refused = (message: string, whatToDo: string): Gate[] => [
    { name: 'incus version', verdict: 'refused', message, whatToDo },
  ];
  const [to] = targets;
  if (to === undefined || targets.length > 1 || scopes.some(({ node }) => closures[node]?.incusVersions.length !== 1))
    return refused(
      `The new systems do not all bring one and the same Incus version: ${each}.`,
      'Let every host of the flake have the same Incus package.',
    );
  const newer = from.find((version) => compareVersions(version, to) > 0);
  if (newer !== undefined)
    return refused(
      `The new systems bring Incus ${to}, a member runs ${newer}. An older Incus cannot read a newer database.`,
      'Let the flake bring a newer version.',
    );
  if (from.length === 1 && from[0] === to && deployments.some(({ mode }) => mode !== 'already'))
    return refused(
      `Incus is ${to} on every member already, and the new systems bring no other.`,
      'One member at a time is enough: runbook start safe-upgrade --all',
    );
  if (from.length === 1 && from[0] === to)
    return [{ name: 'incus version', verdict: 'passed', message: `Incus is ${to} on every member already` }];
  return [{ name: 'incus version', verdict: 'passed', message: `Incus ${from.join(', ')} → ${to}, one-way` }];
}
