import { roleProblem } from './cluster-roles.ts';
import {
  sourceOf,
  type ClusterContents,
  type FormationObservation,
  type FormationScope,
  type MemberFormation,
} from './formation.ts';
import { driftOf, isBlank, type Settings } from './formation-drift.ts';
import { formationGates, type FormationGate } from './formation-gates.ts';
import { hasSetting } from './incus-defaults.ts';
import type { StepView } from './run.ts';

/** What is done, in this order; each looks before it acts. */
export type FormationStep =
  | { type: 'listen'; member: string }
  | { type: 'pool'; member: string; name: string }
  | { type: 'network'; member: string; name: string }
  | { type: 'form'; member: string }
  /** `interrupted`: a run began its join, which has not come to its end. */
  | { type: 'join'; member: string; via: string; interrupted: boolean }
  | { type: 'config'; via: string; keys: string[] }
  | { type: 'profile'; via: string; name: string }
  | { type: 'group'; via: string; name: string }
  | { type: 'trial'; member: string; via: string }
  /** `problem`: what they are instead, where the cluster is there already. */
  | { type: 'roles'; via: string; problem?: string };

export interface FormationPlan {
  gates: FormationGate[];
  refusals: FormationGate[];
  steps: FormationStep[];
  /** What is there and is not as declared: left as it is, because somebody set it. */
  drift: string[];
  alreadySo: boolean;
}

/** What stands between the members as they are and the cluster as it is declared. Pure; `now` is ISO 8601. */
export function planFormation(scope: FormationScope, observation: FormationObservation, now: string): FormationPlan {
  const gates = formationGates(scope, observation, now);
  const { first, joined, others } = rolesOf(observation);
  const { contents } = observation;
  const via = first?.name ?? '';
  const forming: FormationStep[] = first === undefined || first.clustered === true ? [] : formFirst(scope, first);
  const declared = declaredSteps(scope, via, contents);
  const differences = contents === undefined ? [] : driftOf(scope, contents);
  const trials = observation.members.filter(({ clustered, untried }) => clustered !== true || untried === true);
  const acts: FormationStep[] = [
    ...forming,
    ...others.map(({ name, interrupted }): FormationStep => ({ type: 'join', member: name, via, interrupted })),
    ...declared,
    ...trials.map(({ name }): FormationStep => ({ type: 'trial', member: name, via })),
  ];
  const steps = [...acts, ...settling(acts, via, first, contents)];
  return {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    steps,
    drift: differences,
    alreadySo: steps.length === 0 && differences.length === 0 && joined.length === scope.members.length,
  };
}

/** The leader hands roles out some time after members have come. */
function settling(
  acts: readonly FormationStep[],
  via: string,
  first: MemberFormation | undefined,
  contents: ClusterContents | undefined,
): FormationStep[] {
  const problem = first?.cluster && roleProblem(first.cluster, contents?.limits);
  if (acts.length === 0 && problem === undefined) return [];
  return [{ type: 'roles', via, ...(acts.length === 0 && problem !== undefined && { problem }) }];
}

interface Roles {
  /** Forms the cluster, or answers for it. */
  first: MemberFormation | undefined;
  joined: MemberFormation[];
  others: MemberFormation[];
}

function rolesOf({ members }: FormationObservation): Roles {
  const joined = members.filter((member) => member.clustered === true);
  const first = joined.find(({ cluster }) => cluster !== undefined) ?? joined[0] ?? members[0];
  return { first, joined, others: members.filter((member) => member.clustered !== true && member !== first) };
}

/** What an interrupted run made already is not made again. */
function formFirst({ cluster }: FormationScope, first: MemberFormation): FormationStep[] {
  const member = first.name;
  const pools = Object.keys(cluster.pools).filter((name) => !first.pools.some((pool) => pool.name === name));
  const networks = Object.keys(cluster.networks).filter((name) => !first.networks.includes(name));
  return [
    { type: 'listen', member },
    ...pools.map((name): FormationStep => ({ type: 'pool', member, name })),
    ...networks.map((name): FormationStep => ({ type: 'network', member, name })),
    { type: 'form', member },
  ];
}

/** What the whole cluster is given. What somebody set otherwise is not changed: see {@link driftOf}. */
function declaredSteps(
  { cluster }: FormationScope,
  via: string,
  contents: ClusterContents | undefined,
): FormationStep[] {
  const listed = contents?.config ?? {};
  const keys = Object.entries(cluster.config).flatMap(([key, wanted]) =>
    listed[key] === undefined && !hasSetting(listed, key, wanted) ? [key] : [],
  );
  const profiles = Object.keys(cluster.profiles).filter((name) => {
    const found = contents?.profiles.find((profile) => profile.name === name);
    return found === undefined || isBlank(found);
  });
  const groups = Object.entries(cluster.groups).filter(([name, { members }]) => {
    const found = contents?.groups.find((group) => group.name === name);
    return found === undefined || members.some((member) => !found.members.includes(member));
  });
  return [
    ...(keys.length === 0 ? [] : [{ type: 'config', via, keys } as const]),
    ...profiles
      .filter((name) => !isBlankDeclaration(cluster.profiles[name]))
      .map((name): FormationStep => ({ type: 'profile', via, name })),
    ...groups.map(([name]): FormationStep => ({ type: 'group', via, name })),
  ];
}

/** `default` is there from the beginning; declared without anything in it, there is nothing to do. */
const isBlankDeclaration = (profile: Settings | undefined): boolean => profile !== undefined && isBlank(profile);

/** As they are shown before and while they run. */
export const formationViews = (steps: readonly FormationStep[], cluster: FormationScope['cluster']): StepView[] =>
  steps.map((step) => ({ ...describeStep(step, cluster), state: 'pending' }));

export function describeStep(
  step: FormationStep,
  cluster: FormationScope['cluster'],
): Pick<StepView, 'id' | 'phase' | 'title'> {
  switch (step.type) {
    case 'listen':
      return { id: `listen-${step.member}`, phase: 'form', title: `${step.member} listens on port ${cluster.port}` };
    case 'pool': {
      const pool = cluster.pools[step.name];
      const where = pool === undefined ? '' : ` at ${sourceOf(pool)}`;
      return { id: `pool-${step.name}`, phase: 'form', title: `${step.member}: pool ${step.name}${where}` };
    }
    case 'network':
      return { id: `network-${step.name}`, phase: 'form', title: `${step.member}: network ${step.name}` };
    case 'form':
      return { id: `form-${step.member}`, phase: 'form', title: `${step.member} becomes the first member` };
    case 'join':
      return {
        id: `join-${step.member}`,
        phase: 'join',
        title: `${step.member} joins${step.interrupted ? ' (an earlier join was interrupted)' : ''}`,
      };
    case 'config':
      return { id: 'config', phase: 'configure', title: step.keys.join(', ') };
    case 'profile':
      return { id: `profile-${step.name}`, phase: 'configure', title: `profile ${step.name}` };
    case 'group':
      return { id: `group-${step.name}`, phase: 'configure', title: `group ${step.name}` };
    case 'trial':
      return { id: `trial-${step.member}`, phase: 'verify', title: `${step.member}: a container starts and goes` };
    case 'roles':
      return { id: 'roles', phase: 'verify', title: 'roles of the database' };
  }
}
