import { HostError } from '../hosts/host.ts';
import type { Closure, TargetState, UpgradeObservation } from '../plan/observation.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import { atOnce } from '../tools/at-once.ts';
import { createNix } from '../tools/nix.ts';
import { again } from './again.ts';
import { observeBackups } from './backups.ts';
import type { NodeRef, ObserveActivities, RunRef } from './contract.ts';
import { loginTrouble } from './deploy-login.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { checkHealth } from './health.ts';
import { kernelParts } from './kernel-parts.ts';
import { observeStorage } from './observe-instances.ts';
import { observeMembers } from './observe-members.ts';
import { orchestratorHere } from './orchestrator.ts';
import { previewUnits } from './preview.ts';
import { deployTargetOf, rollingInput, scopeOf } from './scope.ts';
import { readSystemState } from './system-state.ts';

/** Looking, and building what is to be deployed: nothing on a host is changed. */
export function createObserveActivities(deps: Deps): ObserveActivities {
  return {
    resolveScope: guarded(async ({ fleet, node }) => scopeOf(await deps.fleetAt(fleet), node)),
    resolveFleet: guarded(async ({ fleet: ref }) => {
      const fleet = await deps.fleetAt(ref);
      return { ...rollingInput(fleet), policy: fleet.policies.upgrade };
    }),
    observeUpgrade: guarded(({ run, scope }, context) => observeUpgrade(deps, run, scope, context)),
    buildClosure: guarded((input, context) => buildClosure(deps, input, context)),
    previewUnits: guarded((input, context) => previewUnits(deps, input, context)),
  };
}

async function observeUpgrade(
  deps: Deps,
  run: RunRef,
  scope: UpgradeScope,
  context: ActivityContext,
): Promise<UpgradeObservation> {
  const fleet = await deps.fleetAt(run.fleet);
  const { node, kind, member } = scope;
  const { members, noQuorum } = await observeMembers(deps, fleet, member, context);
  const reachable = noQuorum === undefined && members.find(({ name }) => name === member)?.incusVersion !== undefined;
  const [machines, storage, here, backups, uncommitted] = await atOnce(
    observeTargets(deps, run, scope, { reachable, context }),
    reachable ? observeStorage(deps, fleet, member, context) : Promise.resolve({ instances: [], pools: [] }),
    orchestratorHere(deps, fleet, scope, context),
    observeBackups(deps, fleet, scope, context),
    deps.uncommitted(),
  );
  return {
    at: new Date().toISOString(),
    node,
    kind,
    member,
    members,
    ...(noQuorum === undefined ? {} : { noQuorum }),
    ...machines,
    ...storage,
    backups,
    uncommitted,
    ...(here === undefined ? {} : { orchestratorHere: here }),
  };
}

/** What the machines run, and how they are. */
async function observeTargets(
  deps: Deps,
  run: RunRef,
  { member, targets: wanted }: UpgradeScope,
  { reachable, context }: { reachable: boolean; context: ActivityContext },
): Promise<Pick<UpgradeObservation, 'targets' | 'health'>> {
  const targets = await atOnce(...wanted.map((target) => observeTarget(deps, run, target, context)));
  if (!reachable) return { targets, health: [] };
  const failedBefore = Object.fromEntries(targets.map(({ node, system }) => [node, system?.failedUnits ?? []]));
  // One that was ill before does not count against the upgrade; one that cannot be read refuses it.
  const nodes = targets.filter(({ problem }) => problem === undefined).map(({ node }) => node);
  const { findings } = await checkHealth(
    deps,
    { ...run, nodes, failedBefore, allowOffline: [], member, patience: 'brief' },
    context,
  );
  return { targets, health: findings.filter(({ check }) => check !== 'cluster') };
}

async function observeTarget(
  deps: Deps,
  { fleet }: RunRef,
  { node, kind, deploys }: UpgradeScope['targets'][number],
  context: ActivityContext,
): Promise<TargetState> {
  // Nothing is deployed there, so it may be another system than NixOS.
  if (!deploys) return { node, kind };
  try {
    const system = await again(() => readSystemState(deps, { fleet, node }, context), context.signal);
    const login = await loginTrouble(deps, await deps.fleetAt(fleet), node, context.signal);
    return { node, kind, system, ...(login && { login }) };
  } catch (error) {
    if (context.signal.aborted) throw error;
    const known = error instanceof HostError || (error instanceof Error && error.name === 'ApplicationFailure');
    if (!known) throw error;
    return { node, kind, problem: error.message };
  }
}

async function buildClosure(
  deps: Deps,
  { fleet: ref, node }: NodeRef,
  { signal, report }: ActivityContext,
): Promise<Closure> {
  const target = deployTargetOf(await deps.fleetAt(ref), node);
  const nix = createNix(deps.local, { signal });
  const built = await nix.buildSystem(
    { flakeRef: await deps.flakeAt(ref), ...target },
    {
      onLine: (line) => {
        report({ progress: line.slice(0, 200) });
      },
    },
  );
  if (built.type === 'build failed') throw failure('BuildFailed', `${node}: ${built.stage} failed: ${built.log}`);
  if (built.type !== 'closure') throw toolFailure(`Building ${node}`, built);
  const facts = await nix.closureFacts(built.path);
  if (facts.type !== 'facts') throw toolFailure(`Reading the new system of ${node}`, facts);
  const parts = kernelParts(facts.parts);
  return {
    path: built.path,
    ...(parts === undefined ? {} : { parts }),
    nixosVersion: facts.nixosVersion ?? built.path.replace(/^\/nix\/store\/[^-]*-/, ''),
    incusVersions: facts.incusVersions,
  };
}
