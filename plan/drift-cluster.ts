import { planFormation, type FormationStep } from './cluster-bootstrap.ts';
import { doctorFor, isProblem, unknownRow, type ClusterSeen, type DriftRow, type DriftScope } from './drift-seen.ts';
import type { ClusterContents, FormationObservation, FormationScope } from './formation.ts';
import { differencesOf, type Difference } from './formation-drift.ts';
import type { MemberState } from './observation.ts';

/** Members, and what the section `cluster` declares. Pure; `at` is ISO 8601. */
export function clusterRows(scope: DriftScope, { members, formation }: ClusterSeen, at: string): DriftRow[] {
  return [
    ...(isProblem(members) ? [unknownRow('members', 'cluster', members)] : memberRows(scope, members)),
    ...(formation === undefined || scope.formation === undefined
      ? []
      : isProblem(formation)
        ? [unknownRow('what the cluster has', 'cluster', formation)]
        : formationRows(scope.formation, formation, at)),
  ];
}

function memberRows(scope: DriftScope, members: readonly MemberState[]): DriftRow[] {
  return [
    ...members
      .filter(({ name }) => scope.node === undefined || scope.members.includes(name))
      .flatMap((member) => memberRow(scope, member)),
    ...versionRows(scope, members),
  ];
}

function memberRow(scope: DriftScope, { name, status, message, problem, incusVersion }: MemberState): DriftRow[] {
  const row = (declared: string, found: string, whatToDo: string): DriftRow[] => [
    { kind: 'cluster', subject: name, where: 'cluster', declared, found, whatToDo },
  ];
  if (!scope.members.includes(name))
    return row(
      'no such member',
      status,
      `Declare it in members of runbook.yaml, or see whose it is: incus cluster show ${name}`,
    );
  if (incusVersion === undefined)
    return [
      unknownRow(name, name, {
        message: problem ?? (message || 'it does not answer'),
        whatToDo: doctorFor(name),
      }),
    ];
  switch (status) {
    case 'Online':
      return [];
    case 'Not in the cluster':
      return row('a member of the cluster', status, 'runbook start cluster-bootstrap');
    case 'Evacuated':
      return row('Online', status, `Where nobody works on it: incus cluster restore ${name}`);
    default:
      return row('Online', message === '' ? status : `${status}: ${message}`, doctorFor(name));
  }
}

/** Of all that answer: a cluster works with one version. */
function versionRows({ members: looked }: DriftScope, members: readonly MemberState[]): DriftRow[] {
  const known = members.flatMap(({ name, incusVersion }) =>
    incusVersion === undefined ? [] : [{ name, incusVersion }],
  );
  const versions = new Set(known.map(({ incusVersion }) => incusVersion));
  if (looked.length === 0 || versions.size < 2) return [];
  return [
    {
      ...{ kind: 'cluster', subject: 'Incus', where: 'cluster', declared: 'one version on every member' },
      found: known.map(({ name, incusVersion }) => `${name} ${incusVersion}`).join(', '),
      whatToDo: 'runbook start cluster-upgrade',
    },
  ];
}

/** By what cluster-bootstrap would make, and by what it would leave as it is. */
function formationRows(scope: FormationScope, observation: FormationObservation, at: string): DriftRow[] {
  const { contents } = observation;
  // Where there is no cluster yet, that is a row of its members.
  if (contents === undefined)
    return observation.members.flatMap(({ name, problem: message }) =>
      message === undefined ? [] : [unknownRow('what the cluster has', name, { message, whatToDo: doctorFor(name) })],
    );
  const { steps } = planFormation(scope, observation, at);
  // While a member is away its role may be another's.
  const isWhole = observation.members.every(({ cluster }) => cluster?.every(({ status }) => status === 'Online'));
  return [
    ...differencesOf(scope, contents).map(differs),
    ...steps.filter(({ type }) => type !== 'roles' || isWhole).flatMap((step) => missing(scope, contents, step)),
  ];
}

const SET_IT = 'Set it with Terraform or by hand, or declare in runbook.yaml what is right.';

const differs = ({ subject, key, declared, found, sentence }: Difference): DriftRow => ({
  ...{ kind: 'cluster', subject, where: 'cluster' },
  declared: declared === undefined ? 'there' : worded(key, declared),
  found: declared === undefined ? 'not there' : worded(key, found ?? 'not set'),
  whatToDo: `${sentence}. ${SET_IT}`,
});

const worded = (key: string | undefined, value: string): string => (key === undefined ? value : `${key} ${value}`);

function missing({ cluster }: FormationScope, contents: ClusterContents, step: FormationStep): DriftRow[] {
  const row = (subject: string, declared: string, found: string): DriftRow => ({
    ...{ kind: 'cluster', subject, where: 'cluster', declared, found, whatToDo: 'runbook start cluster-bootstrap' },
  });
  switch (step.type) {
    case 'config':
      return step.keys.map((key) => row('cluster', `${key} ${cluster.config[key] ?? ''}`, `${key} not set`));
    case 'profile': {
      const isThere = contents.profiles.some(({ name }) => name === step.name);
      return [row(`profile ${step.name}`, 'there', isThere ? 'empty' : 'not there')];
    }
    case 'group': {
      const found = contents.groups.find(({ name }) => name === step.name)?.members.join(', ');
      return [row(`group ${step.name}`, cluster.groups[step.name]?.members.join(', ') ?? '', found ?? 'not there')];
    }
    case 'roles':
      return [{ ...row('roles', 'as Incus hands them out', step.problem ?? ''), whatToDo: ROLES }];
    // Members that are not part of it are rows of their own, and what a new cluster is formed with is no drift.
    case 'listen':
    case 'pool':
    case 'network':
    case 'form':
    case 'join':
    case 'trial':
      return [];
  }
}

const ROLES = 'Incus’s leader hands them out by itself; where it does not: runbook start cluster-bootstrap';
