import { count } from './count.ts';
import { durationMs } from './duration.ts';
import type { FormationObservation, FormationScope, ListedMember, MemberFormation } from './formation.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import { asSentence } from './sentence.ts';

type Name = 'members' | 'versions' | 'cluster' | 'pool' | 'network' | 'clocks' | 'certificates';
export type FormationGate = GateOf<Name>;

const { passed, refused } = gateWords<Name>();

/** Whatever has to hold before the first change, judged all at once. Pure. */
export function formationGates(scope: FormationScope, { members }: FormationObservation, now: string): FormationGate[] {
  const answering = members.filter(({ problem }) => problem === undefined);
  // What an interrupted join has left is taken back by the run.
  const settled = answering.filter(({ interrupted }) => !interrupted);
  const clusters = oneCluster(scope, answering);
  return [
    ...answers(members),
    ...versions(answering),
    ...clusters,
    ...(clusters.some(({ verdict }) => verdict === 'refused') ? [] : foreignJoins(answering)),
    ...standalone(answering),
    ...sources(settled),
    ...network(answering),
    ...clocks(answering, scope.maxClockSkew),
    ...certificates(answering, now),
  ];
}

function answers(members: readonly MemberFormation[]): FormationGate[] {
  // One whose join was interrupted may never start again by itself.
  const silent = members.filter(({ problem, interrupted }) => problem !== undefined && !interrupted);
  if (silent.length === 0) return [passed('members', `${count(members.length, 'member')} of the fleet file answer`)];
  return silent.map(({ name, problem = '' }) =>
    refused(
      'members',
      `${name} could not be read: ${asSentence(problem)}`,
      `Its Incus has to run and answer root. runbook doctor --node ${name} shows what is wrong.`,
    ),
  );
}

function versions(members: readonly MemberFormation[]): FormationGate[] {
  const seen = [...new Set(members.map(({ version }) => version ?? 'unknown'))];
  if (seen.length === 0) return [];
  if (seen.length === 1) return [passed('versions', `Incus ${seen[0] ?? ''} on every member`)];
  const each = members.map(({ name, version }) => `${name} ${version ?? 'unknown'}`).join(', ');
  return [
    refused(
      'versions',
      `Members run different Incus versions: ${each}.`,
      'A member can only join one of its own version: deploy the same one everywhere first.',
    ),
  ];
}

/** All declared members that are clustered are members of one cluster, and it has no others. */
function oneCluster({ members: declared }: FormationScope, members: readonly MemberFormation[]): FormationGate[] {
  const clustered = members.filter((member) => member.clustered === true);
  if (clustered.length === 0) return [passed('cluster', 'No member belongs to a cluster yet')];
  const known = new Set(declared.map(({ name }) => name));
  const gates = clustered.flatMap((member) => [...ownName(member), ...strangers(member, known)]);
  const fingerprints = new Set(clustered.map(({ fingerprint }) => fingerprint));
  if (fingerprints.size > 1)
    gates.push(
      refused(
        'cluster',
        `Members belong to ${fingerprints.size} different clusters: ${clustered.map(describeCluster).join('; ')}.`,
        'Decide which cluster stays, and reinstall the members of the other; nothing here takes a cluster apart.',
      ),
    );
  return gates.length > 0
    ? gates
    : [passed('cluster', `${clustered.map(({ name }) => name).join(', ')} belong to one cluster`)];
}

const describeCluster = ({ name, cluster = [] }: MemberFormation): string =>
  `${name} to one of ${cluster.map((each) => each.name).join(', ') || 'unknown members'}`;

function ownName({ name, serverName = name }: MemberFormation): FormationGate[] {
  if (serverName === name) return [];
  return [
    refused(
      'cluster',
      `${name} is called ${serverName} in its cluster.`,
      `Call it ${serverName} in runbook.yaml too: Incus does not rename what instances are placed on here.`,
    ),
  ];
}

function strangers({ name, cluster = [] }: MemberFormation, known: ReadonlySet<string>): FormationGate[] {
  const unknown = cluster.filter((member) => !known.has(member.name));
  if (unknown.length === 0) return [];
  return [
    refused(
      'cluster',
      `${name} belongs to a cluster with members that runbook.yaml does not declare: ${unknown.map(listed).join(', ')}.`,
      'Declare them, if this is your cluster; else take that member out of its cluster first.',
    ),
  ];
}

const listed = ({ name, status }: ListedMember): string => `${name} (${status})`;

/** Only what a run began is taken back by one. */
function foreignJoins(members: readonly MemberFormation[]): FormationGate[] {
  const listed = new Set(members.flatMap(({ cluster = [] }) => cluster.map(({ name }) => name)));
  return members
    .filter(({ name, clustered, interrupted }) => clustered !== true && !interrupted && listed.has(name))
    .map(({ name }) =>
      refused(
        'cluster',
        `The cluster lists ${name}, which is not part of it on its own side; no run of runbook began that.`,
        `Take it out by hand, if nothing is lost with it: incus cluster remove ${name} --force`,
      ),
    );
}

/** A server that is to join, or to be the first, has nothing of its own: it would lose it, or Incus would refuse. */
function standalone(members: readonly MemberFormation[]): FormationGate[] {
  return members
    .filter(({ clustered }) => clustered !== true)
    .flatMap(({ name, instances, volumes }) => {
      const held = [
        ...(instances.length === 0 ? [] : [`${count(instances.length, 'instance')} (${some(instances)})`]),
        ...(volumes.length === 0 ? [] : [`${count(volumes.length, 'custom volume')} (${some(volumes)})`]),
      ];
      if (held.length === 0) return [];
      return [
        refused(
          'members',
          `${name} is not bare: it has ${held.join(' and ')}.`,
          'Export what is to be kept (incus export) and delete it there, then start again.',
        ),
      ];
    });
}

const some = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')}, …`;

function sources(members: readonly MemberFormation[]): FormationGate[] {
  const gates = members.flatMap(({ name, sources: found, clustered }) =>
    clustered === true
      ? []
      : found.flatMap(({ pool, source, state, found: names }): FormationGate[] => {
          if (state === 'missing')
            return [
              refused(
                'pool',
                `${source} is not there on ${name}, where pool ${pool} is to be.`,
                `Create it there first: ${source.startsWith('/') ? 'mkdir -p' : 'zfs create'} ${source}, best by the host’s configuration.`,
              ),
            ];
          if (state === 'holds')
            return [
              refused(
                'pool',
                `${source} on ${name} is not empty: it has ${some(names)}.`,
                'Set it aside (zfs rename, mv) if it is to be kept, then start again.',
              ),
            ];
          return [];
        }),
  );
  return gates.length > 0 ? gates : [passed('pool', 'Every place for a pool is there and free')];
}

function network(members: readonly MemberFormation[]): FormationGate[] {
  const gates = members.flatMap(({ name, unresolved, unreachable }) => [
    ...unresolved.map(({ address, reason }) =>
      refused(
        'network',
        `${name} cannot use the address ${address}: ${asSentence(reason)}`,
        'Names of members have to be stable, and the same on every member: networking.hosts.',
      ),
    ),
    ...unreachable.map(({ member, reason }) =>
      refused(
        'network',
        `${name} does not reach the Incus port of ${member}: ${asSentence(reason)}`,
        `Open the port in the firewall of ${member} (networking.firewall.allowedTCPPorts).`,
      ),
    ),
  ]);
  return gates.length > 0 ? gates : [passed('network', 'Every member reaches every other')];
}

function clocks(members: readonly MemberFormation[], allowed: string): FormationGate[] {
  const late = members.filter(({ clockSkewMs = 0 }) => Math.abs(clockSkewMs) > durationMs(allowed));
  if (late.length === 0) return [passed('clocks', `Clocks agree within ${allowed}`)];
  return late.map(({ name, clockSkewMs = 0 }) =>
    refused(
      'clocks',
      `The clock of ${name} is ${Math.round(Math.abs(clockSkewMs) / 1000)} s ${clockSkewMs > 0 ? 'ahead' : 'behind'}.`,
      'Certificates and heartbeats depend on it: see to its time synchronisation (timedatectl).',
    ),
  );
}

function certificates(members: readonly MemberFormation[], now: string): FormationGate[] {
  const invalid = members.filter(
    ({ certificate }) => certificate && (now < certificate.from || now > certificate.until),
  );
  if (invalid.length === 0) return [passed('certificates', 'Certificates are valid')];
  return invalid.map(({ name, certificate }) =>
    refused(
      'certificates',
      `The certificate of Incus on ${name} is valid from ${certificate?.from ?? ''} to ${certificate?.until ?? ''} only.`,
      'Remove /var/lib/incus/server.crt and server.key there and restart Incus: it makes new ones.',
    ),
  );
}
