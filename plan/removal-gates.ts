import { count } from './count.ts';
import type { ListedMember } from './formation.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { RemovalObservation, RemovalScope } from './member-removal.ts';
import { asSentence } from './sentence.ts';

type Name =
  'members' | 'quorum' | 'member' | 'instances' | 'volumes' | 'pool' | 'backup' | 'orchestrator' | 'placement';
export type RemovalGate = GateOf<Name>;

/** Members that hold the cluster's database are three, or one where there are fewer than three members (Incus 6). */
const FULL = 3;

const { passed, refused, warning } = gateWords<Name>();

/** Whatever has to hold before a member goes, judged all at once. Pure. */
export function removalGates(
  scope: RemovalScope,
  observation: RemovalObservation,
  mode: 'clean' | 'forced',
): RemovalGate[] {
  const { member } = scope;
  const { members, noQuorum } = observation;
  if (noQuorum !== undefined)
    return [
      refused(
        'quorum',
        `The cluster has no quorum: ${asSentence(noQuorum)}`,
        'More than half of the members have to be reachable: bring members back first. Where most of them are gone for good: runbook start quorum-recover --node SURVIVOR',
      ),
    ];
  const others = members.filter(({ name }) => name !== member);
  return [
    alive(scope, observation, mode),
    ...online(others, mode),
    quorum(member, others),
    ...(mode === 'clean' ? [...instances(observation, others), ...volumes(member, observation, others)] : []),
    ...(mode === 'clean' ? places(member, observation) : []),
    ...orchestrator(member, observation),
    ...declared(scope),
  ];
}

/** One that lives is asked to leave; only one that is dead is forgotten. */
function alive(
  { member }: RemovalScope,
  { members, host, own, ownProblem }: RemovalObservation,
  mode: 'clean' | 'forced',
): RemovalGate {
  const status = members.find(({ name }) => name === member)?.status ?? '';
  if (mode === 'forced')
    return warning(
      'member',
      `${member} is dead: it is ${status}, and ${asSentence(host.sign)} The cluster can only forget it.`,
    );
  if (!host.answers)
    return refused(
      'member',
      `${member} is ${status} in the cluster, but ${asSentence(host.sign)}`,
      `Either it lives, then mend the way to it (runbook doctor --node ${member}); or it is dead, then the cluster says Offline soon.`,
    );
  if (own === undefined)
    return refused(
      'member',
      `${member} is ${status}, its host answers, and its Incus could not be asked: ${asSentence(ownProblem ?? 'no answer')}`,
      `It lives, so it is not forgotten: bring its Incus back (runbook doctor --node ${member}), and start again.`,
    );
  if (!own.clustered)
    return refused(
      'member',
      `The cluster lists ${member} (${status}), which is a server of its own on its own side.`,
      'A removal or a join may be under way there: start again in a minute. A join that was interrupted is taken back by cluster-bootstrap.',
    );
  if (status !== 'Online' && status !== 'Evacuated')
    return refused(
      'member',
      `${member} is ${status}, and its host answers: it lives, so it has to leave by itself.`,
      `Bring its Incus back first: runbook doctor --node ${member}`,
    );
  return passed('member', `${member} is ${status} and can leave`);
}

/** What is dead takes nothing along: after a loss of quorum several are forgotten, one after the other. */
function online(others: readonly ListedMember[], mode: 'clean' | 'forced'): RemovalGate[] {
  const away = others.filter(({ status }) => status !== 'Online');
  if (away.length === 0)
    return others.length === 0 ? [] : [passed('members', `${count(others.length, 'other')} Online`)];
  if (mode === 'forced') return away.map(({ name, status }) => warning('members', `${name} is ${status}, too.`));
  return away.map(({ name, status, message }) =>
    refused(
      'members',
      `${name} is ${status}${message === '' ? '' : ` (${message})`}: with one more away the cluster could stop.`,
      `Bring it back first: runbook doctor --node ${name}`,
    ),
  );
}

function quorum(member: string, others: readonly ListedMember[]): RemovalGate {
  if (others.length === 0)
    return refused(
      'quorum',
      `${member} is the last member: without it there is no cluster.`,
      'A cluster ends with its last member: reinstall it, if that is what you want.',
    );
  if (others.length >= FULL) return passed('quorum', `${count(others.length, 'member')} stay`);
  return warning(
    'quorum',
    others.length === 1
      ? `${others[0]?.name ?? ''} stays alone: nothing goes on when it is away.`
      : `Only ${others.length} members stay (${others.map(({ name }) => name).join(', ')}), and one of them holds the database: the cluster stands still while that one is away.`,
  );
}

const some = (names: readonly string[], most = 5): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const projectOption = (project: string): string => (project === 'default' ? '' : ` --project ${project}`);

/** runbook moves nothing: where something runs is decided by a person. */
function instances({ instances: found }: RemovalObservation, others: readonly ListedMember[]): RemovalGate[] {
  if (found.length === 0) return [passed('instances', 'No instance is on it')];
  const target = others[0]?.name ?? 'MEMBER';
  const commands = found.map(({ project, name }) => `incus move ${name} --target ${target}${projectOption(project)}`);
  return [
    refused(
      'instances',
      `It has ${count(found.length, 'instance')}: ${some(found.map(({ name, status }) => `${name} (${status})`))}.`,
      `Stop and move each, best by Terraform: ${some(commands, 3)}`,
    ),
  ];
}

function volumes(from: string, { volumes: found }: RemovalObservation, others: readonly ListedMember[]): RemovalGate[] {
  if (found.length === 0) return [passed('volumes', 'No custom volume is on it')];
  const target = others[0]?.name ?? 'MEMBER';
  const commands = found.map(
    ({ project, pool, name }) =>
      `incus storage volume move ${pool}/${name} ${pool}/${name} --target ${from} --destination-target ${target}${projectOption(project)}`,
  );
  return [
    refused(
      'volumes',
      `It has ${count(found.length, 'custom volume')}: ${some(found.map(({ pool, name }) => `${pool}/${name}`))}.`,
      `Move each, or delete it: ${some(commands, 3)}`,
    ),
  ];
}

/** Incus deletes the pools of a member that leaves, and with each whatever is in its place, also what is not its own. */
function places(member: string, { places: found, placesProblem }: RemovalObservation): RemovalGate[] {
  if (placesProblem !== undefined)
    return [
      refused(
        'pool',
        `What is in the pools of ${member} could not be seen: ${asSentence(placesProblem)}`,
        'Incus deletes what is there with the member, so it has to be seen first.',
      ),
    ];
  const gates = found
    .filter(({ foreign }) => foreign.length > 0)
    .map(({ pool, source, foreign }) =>
      refused(
        'pool',
        `${source} on ${member}, where pool ${pool} is, has more than Incus put there: ${some(foreign)}. Incus would delete it with the pool.`,
        'Move it elsewhere first (zfs rename, mv), or delete it.',
      ),
    );
  return gates.length > 0 ? gates : [passed('pool', 'Its pools hold nothing of anybody else')];
}

function orchestrator(member: string, { orchestratorHere }: RemovalObservation): RemovalGate[] {
  if (orchestratorHere === undefined) return [passed('orchestrator', `The orchestrator is not on ${member}`)];
  return [
    refused(
      'orchestrator',
      `${orchestratorHere} It would take its own ground away.`,
      'Move the orchestrator to another machine first.',
    ),
  ];
}

function declared({ member, guests, replicas }: RemovalScope): RemovalGate[] {
  return [
    ...guests.map((guest) =>
      warning('placement', `runbook.yaml declares guest ${guest} on ${member}.`, 'Change its member there.'),
    ),
    ...replicas.map((replica) =>
      warning(
        'backup',
        `${member} holds the replicas of ${replica}: they stay on its disk, and no new ones come.`,
        'Declare another place for them.',
      ),
    ),
  ];
}
