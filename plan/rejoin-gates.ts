import { durationMs } from './duration.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import { caseOf, wayOf } from './rejoin-case.ts';
import type { FoundHost, FoundPool, RejoinObservation, RejoinScope, RemainingCluster } from './rejoin.ts';
import { zpoolOf } from './rejoin.ts';
import { asSentence } from './sentence.ts';

type Name =
  'cluster' | 'quorum' | 'host' | 'member' | 'version' | 'clock' | 'pool' | 'identity' | 'copy' | 'space' | 'guest';
export interface RejoinGate extends GateOf<Name> {
  /** Time alone can change it. */
  mayPass?: true;
}

const { passed, refused, warning } = gateWords<Name>();

/** Whatever has to hold before the first change, judged all at once. Pure. */
export function rejoinGates(scope: RejoinScope, observation: RejoinObservation): RejoinGate[] {
  const { cluster, host } = observation;
  return [
    ...theCluster(scope, observation),
    ...theHost(scope, observation),
    ...(cluster === undefined || host === undefined
      ? []
      : [...sameMember(scope, cluster, host), ...version(cluster, host), ...clock(scope, host)]),
    ...(host === undefined || host.incus.type === 'silent' ? [] : pools(scope, observation, host)),
    ...identity(scope, observation),
  ];
}

function theCluster({ member }: RejoinScope, observation: RejoinObservation): RejoinGate[] {
  const { cluster, clusterProblem = 'no other member is declared', noQuorum } = observation;
  if (cluster === undefined) {
    if (noQuorum === true)
      return [
        {
          ...refused(
            'quorum',
            `The cluster has no quorum: ${asSentence(clusterProblem)}`,
            'Bring members back first. Where most of them are gone for good, one survivor can carry on: runbook start quorum-recover --node SURVIVOR',
          ),
          mayPass: true,
        },
      ];
    return [
      refused(
        'cluster',
        `No other member tells of the cluster: ${asSentence(clusterProblem)}`,
        'One of them has to answer: this brings a member back to a cluster that is there.',
      ),
    ];
  }
  const away = cluster.members.filter(({ name, status }) => name !== member && status !== 'Online');
  const gates = [passed('cluster', `${cluster.via} tells of it: ${cluster.members.map(stateOf).join(', ')}`)];
  if (away.length === 0) return gates;
  const changesAll = caseOf(observation) !== 'nothing lost' && wayOf(observation) === 'fresh join';
  const names = away.map(stateOf).join(', ');
  return [
    ...gates,
    changesAll
      ? {
          ...refused(
            'cluster',
            `Not every other member is Online: ${names}.`,
            'A join changes all of them. Bring them back first.',
          ),
          mayPass: true,
        }
      : warning('cluster', `Not every other member is Online: ${names}.`),
  ];
}

const stateOf = ({ name, status }: RemainingCluster['members'][number]): string => `${name} ${status}`;

function theHost({ member }: RejoinScope, { host, hostProblem = 'no answer' }: RejoinObservation): RejoinGate[] {
  if (host === undefined)
    return [
      refused(
        'host',
        `${member} could not be looked at: ${asSentence(hostProblem)}`,
        `It has to run NixOS and answer by ssh. runbook doctor --node ${member} shows what is wrong; if its system is lost: runbook start node-reinstall --node ${member}`,
      ),
    ];
  if (host.incus.type === 'silent')
    return [
      refused(
        'host',
        `The Incus of ${member} does not answer: ${asSentence(host.incus.problem)}`,
        `See journalctl -u incus.service on ${member}; systemctl start incus.service starts one that was stopped. If it runs an installer: runbook start node-reinstall --node ${member}`,
      ),
    ];
  return [passed('host', `${member} answers, Incus ${host.incus.version}`)];
}

/** One that is a member of another cluster, or a name under which another machine answers, is left alone. */
function sameMember({ member }: RejoinScope, cluster: RemainingCluster, { incus }: FoundHost): RejoinGate[] {
  const listed = cluster.members.find(({ name }) => name === member);
  if (incus.type === 'member') {
    if (incus.fingerprint !== cluster.fingerprint || incus.serverName !== member)
      return [
        refused(
          'member',
          `${member} is ${incus.serverName} of ${incus.fingerprint === cluster.fingerprint ? 'this' : 'another'} cluster.`,
          'Nothing here takes a host out of another cluster, or gives a member another name.',
        ),
      ];
    if (listed === undefined)
      return [
        refused(
          'member',
          `${member} takes itself for a member, and the cluster does not list it: it was removed while it was away.`,
          `Make its Incus a server of its own: boot it from an installer, runbook start node-reinstall --node ${member}, then start this again.`,
        ),
      ];
    return [];
  }
  if (incus.type !== 'alone') return [];
  if (listed?.status === 'Online' || listed?.status === 'Evacuating' || listed?.status === 'Restoring')
    return [
      refused(
        'member',
        `The cluster lists ${member} as ${listed.status}, and the host that answers for it is no member.`,
        'Another machine answers under its name, or it was lost seconds ago: look at both, then start this again.',
      ),
    ];
  const own = [...incus.instances, ...incus.pools.map((pool) => `pool ${pool}`)];
  return own.length === 0
    ? []
    : [
        refused(
          'member',
          `The Incus of ${member} has something of its own: ${own.join(', ')}.`,
          `A member joins bare. Move what it has elsewhere, or boot it from an installer and runbook start node-reinstall --node ${member}`,
        ),
      ];
}

function version({ version: wanted }: RemainingCluster, { incus }: FoundHost): RejoinGate[] {
  if (incus.type === 'silent') return [];
  return incus.version === wanted
    ? [passed('version', `Incus ${wanted}, as the others`)]
    : [
        refused(
          'version',
          `It runs Incus ${incus.version}, the others ${wanted}.`,
          'A member needs the version of the others: deploy the system of the monorepo to it first.',
        ),
      ];
}

function clock({ maxClockSkew }: RejoinScope, { clockSkewMs }: FoundHost): RejoinGate[] {
  if (clockSkewMs === undefined || Math.abs(clockSkewMs) <= durationMs(maxClockSkew)) return [];
  return [
    refused(
      'clock',
      `Its clock differs from the worker’s by ${Math.round(clockSkewMs / 1000)} s; at most ${maxClockSkew} is allowed.`,
      'Certificates and heartbeats need right clocks: see whether time synchronisation runs there.',
    ),
  ];
}

function pools(scope: RejoinScope, observation: RejoinObservation, host: FoundHost): RejoinGate[] {
  return host.pools.flatMap((pool) => onePool(scope, observation, pool));
}

function onePool({ member }: RejoinScope, observation: RejoinObservation, found: FoundPool): RejoinGate[] {
  const { pool, dataset, zpool } = found;
  const name = zpoolOf(dataset);
  const isMember = caseOf(observation) === 'nothing lost';
  // What a member has to have is asked by whether it is healthy.
  if (isMember && (zpool === 'missing' || zpool === 'imported')) return [];
  if (zpool === 'missing')
    return [
      refused(
        'pool',
        `Pool ${pool}: ${member} has no zpool ${name}, and no disk with one.`,
        `If its disk is there: zpool import on ${member} says why it cannot be imported. If it is lost, make an empty one (zpool create ${name}, zfs create ${dataset}), then start this again.`,
      ),
    ];
  if (zpool === 'foreign')
    return [
      warning(
        'pool',
        `Pool ${pool}: zpool ${name} was last had by another system, by its hostid. A reinstalled host is one, unless networking.hostId is declared. It asks before it imports it.`,
      ),
    ];
  if (zpool === 'importable') return [passed('pool', `Pool ${pool}: zpool ${name} can be imported`)];
  if (found.place === 'missing' && found.aside.length === 0)
    return [
      refused(
        'pool',
        `Pool ${pool}: zpool ${name} has no dataset ${dataset}.`,
        `If it is under another name, rename it (zfs rename). If there is none: zfs create ${dataset}`,
      ),
    ];
  return wayOf(observation) === 'fresh join' ? movable(found) : [];
}

/** What a fresh join needs is renamed aside, and back. */
function movable({ pool, dataset, encrypted, place, contents }: FoundPool): RejoinGate[] {
  if (place !== 'holds') return [passed('pool', `Pool ${pool}: ${dataset} has no volumes`)];
  if (!dataset.includes('/'))
    return [
      refused(
        'pool',
        `Pool ${pool} is the whole zpool ${dataset}, which cannot be renamed aside.`,
        'Only a saved identity brings this member back: see runbook start identity-backup.',
      ),
    ];
  if (encrypted)
    return [
      refused(
        'pool',
        `Pool ${pool}: ${dataset} is encrypted, and ZFS moves nothing out of what it is encrypted with.`,
        'Only a saved identity brings this member back: see runbook start identity-backup.',
      ),
    ];
  return [passed('pool', `Pool ${pool}: ${contents.length} datasets of instances and volumes`)];
}

/** Why the gentler way is not taken. */
function identity({ member }: RejoinScope, observation: RejoinObservation): RejoinGate[] {
  if (caseOf(observation) !== 'root disk lost') return [];
  if (wayOf(observation) === 'identity')
    return [
      passed('identity', `saved ${observation.copies[0]?.takenAt ?? ''} at ${observation.copies[0]?.place ?? ''}`),
    ];
  return [
    warning(
      'identity',
      `No saved identity of ${member} can be restored: ${asSentence(observation.copiesProblem ?? whyFresh(observation))} So its records are forgotten, and recovered from its disks.`,
    ),
  ];
}

function whyFresh({ cluster, host, copies }: RejoinObservation): string {
  if (copies.length === 0) return 'there is none';
  if (host?.hasListedAddress === false) return 'the host has another address than the cluster lists';
  return cluster === undefined ? 'no cluster answers' : 'the cluster does not list it any more';
}
