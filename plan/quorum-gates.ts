import { count } from './count.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { QuorumMember, QuorumObservation, QuorumScope } from './quorum.ts';
import { asSentence } from './sentence.ts';

type Name = 'leader' | 'survivor' | 'voters' | 'log' | 'members';
export type QuorumGate = GateOf<Name>;

const { passed, refused, warning } = gateWords<Name>();

/** Whatever has to hold before the database is given to one member, judged all at once. Pure. */
export function quorumGates(scope: QuorumScope, observation: QuorumObservation): QuorumGate[] {
  const survivor = observation.members.find(({ name }) => name === scope.member);
  const others = observation.members.filter(({ name }) => name !== scope.member);
  if (survivor === undefined) return [];
  const isLed = observation.members.some(({ voice }) => voice?.type === 'leader');
  return [
    ...leader(observation),
    ...hasDatabase(survivor, others),
    ...(isLed ? [] : voters(scope, survivor, others)),
    ...newestLog(survivor, others),
    ...others.flatMap(otherMember),
  ];
}

function leader({ members, looks, overSeconds }: QuorumObservation): QuorumGate[] {
  const led = members.find(({ voice }) => voice?.type === 'leader');
  const gates = led === undefined ? members.flatMap((member) => voiceOf(member)) : voiceOf(led);
  if (gates.length > 0) return gates;
  const asked = members.filter(({ voice }) => voice?.type === 'none').map(({ name }) => name);
  return asked.length === 0
    ? [passed('leader', 'No Incus of the cluster runs: an earlier run has stopped it')]
    : [passed('leader', `No leader: ${asked.join(', ')} asked ${count(looks, 'time')} in ${overSeconds} s`)];
}

function voiceOf({ name, voice, isHeld }: QuorumMember): QuorumGate[] {
  switch (voice?.type) {
    case 'leader':
      return [
        refused(
          'leader',
          `The cluster has a leader, ${name} says: ${voice.members.map((each) => `${each.name} ${each.status}`).join(', ')}.`,
          'Nothing is to be recovered. A member that is lost comes back by node-rejoin, or goes by member-remove.',
        ),
      ];
    case 'down':
      return isHeld
        ? []
        : [
            refused(
              'leader',
              `The Incus of ${name} does not run, so it has no say in who leads: ${asSentence(voice.problem)}`,
              `Start it first: systemctl start incus.socket incus.service on ${name}. There may be a majority with it.`,
            ),
          ];
    case 'unclear':
      return [
        refused(
          'leader',
          `Whether ${name} knows a leader is not certain: ${asSentence(voice.problem)}`,
          `See journalctl -u incus.service on ${name}.`,
        ),
      ];
    case 'none':
    case 'alone':
    case undefined:
      return [];
  }
}

function hasDatabase(
  { name, reach, sign, voice, database, databaseProblem }: QuorumMember,
  others: readonly QuorumMember[],
): QuorumGate[] {
  const instead = others.find((each) => each.reach === 'ssh' && roleOf(each) === 'voter');
  const other = instead === undefined ? 'Name another member, if one has it.' : `Start it with --node ${instead.name}.`;
  if (reach !== 'ssh')
    return [
      refused(
        'survivor',
        `${name} is to carry the database on, and ${asSentence(sign)}`,
        `It has to answer by ssh: runbook doctor --node ${name}. ${other}`,
      ),
    ];
  if (voice?.type === 'alone')
    return [
      refused('survivor', `The Incus of ${name} is a server of its own: it has no database of the cluster.`, other),
    ];
  if (database === undefined)
    return [
      refused(
        'survivor',
        `${name} has no database that could be read: ${asSentence(databaseProblem ?? 'there is none')}`,
        other,
      ),
    ];
  const role = roleOf({ name, database });
  if (role !== 'voter')
    return [
      refused(
        'survivor',
        `${name} is ${role === undefined ? 'no member' : role} of the database, and no voter: it may lack changes that others had.`,
        other,
      ),
    ];
  return [passed('survivor', `${name} answers and has the database, as a voter`)];
}

const roleOf = ({ name, database }: Pick<QuorumMember, 'name' | 'database'>): string | undefined =>
  database?.members.find((each) => each.name === name)?.role;

/** By what the survivor knows of them. Where voters are there that can elect a leader, they are to do that. */
function voters(
  { member, others: declared }: QuorumScope,
  survivor: QuorumMember,
  others: readonly QuorumMember[],
): QuorumGate[] {
  const { database, isHeld } = survivor;
  if (database === undefined) return [];
  const known = [member, ...declared];
  const strangers = database.members.filter(({ name }) => !known.includes(name));
  if (strangers.length > 0)
    return strangers.map(({ name, address }) =>
      refused(
        'voters',
        `The database has the member ${name === '' ? address : `${name} (${address})`}, which runbook.yaml does not declare.`,
        'Declare it, so that it can be looked at: it may be alive.',
      ),
    );
  const all = database.members.filter(({ role }) => role === 'voter').map(({ name }) => name);
  const there = [survivor, ...others]
    .filter(({ name, reach, voice }) => all.includes(name) && reach !== 'silent' && voice?.type !== 'alone')
    .map(({ name }) => name);
  // One that a run has stopped may be the only voter by now, by that run.
  if (there.length * 2 > all.length && !isHeld)
    return [
      refused(
        'voters',
        `${there.join(', ')} of the ${count(all.length, 'voter')} ${all.join(', ')} are alive: they can elect a leader.`,
        'See why they do not: network, clocks, journalctl -u incus.service. One whose database is lost is installed anew first.',
      ),
    ];
  return [passed('voters', `${there.length} of ${count(all.length, 'voter')} left: ${all.join(', ')}`)];
}

/** Only the closed part of a log has a number, and what a daemon wrote last is in none: it is a hint, and no more. */
function newestLog({ name, database }: QuorumMember, others: readonly QuorumMember[]): QuorumGate[] {
  if (database === undefined) return [];
  const own = database.segment ?? 0;
  return others
    .filter((each) => (each.database?.segment ?? 0) > own && roleOf(each) === 'voter' && each.voice?.type !== 'alone')
    .map((each) =>
      warning(
        'log',
        `The closed part of the database’s log is longer on ${each.name} (${each.database?.segment ?? 0}) than on ${name} (${own}): ${each.name} may have changes that ${name} lacks.`,
        `If ${each.name} ran longer, start it with --node ${each.name} instead.`,
      ),
    );
}

function otherMember({ name, reach, sign, voice }: QuorumMember): QuorumGate[] {
  if (reach === 'lives')
    return [
      refused(
        'members',
        `${name} lives, and its Incus cannot be stopped: ${asSentence(sign)}`,
        `Mend the way to it: runbook doctor --node ${name}. Or switch it off for good.`,
      ),
    ];
  if (reach === 'silent')
    return [
      warning(
        'members',
        `${name} is silent: ${asSentence(sign)} Lost members that come back with their old database can elect a leader of their own: a person has to say that it will not.`,
      ),
    ];
  return [
    passed(
      'members',
      voice?.type === 'alone'
        ? `${name} was installed anew, and is left alone`
        : `${name} answers: its Incus is stopped meanwhile`,
    ),
  ];
}
