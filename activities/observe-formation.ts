import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { ApplicationFailure } from '@temporalio/common';
import type { ClusterDeclaration, Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import {
  sourceOf,
  type ClusterContents,
  type FormationObservation,
  type FormationScope,
  type ListedMember,
  type MemberFormation,
  type SourceState,
} from '../plan/formation.ts';
import { roleLimits } from '../plan/cluster-roles.ts';
import { atOnce } from '../tools/at-once.ts';
import { certainSkewMs, clockSkew } from '../tools/clock.ts';
import { listFolder } from '../tools/folder.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createNetwork } from '../tools/network.ts';
import { createZfs } from '../tools/zfs.ts';
import { again } from './again.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { marksOn } from './join-mark.ts';
import { expecting } from './expecting.ts';

/** So many names of what is in the way are told. */
const FOUND = 6;

export function formationScope(fleet: Fleet): FormationScope {
  const { cluster } = fleet;
  if (cluster === undefined)
    throw failure(
      'BadConfig',
      'runbook.yaml has no `cluster`: it says which pools, networks and profiles there are to be.',
    );
  return {
    members: Object.entries(fleet.members).map(([name, { address }]) => ({ name, address })),
    cluster,
    maxClockSkew: fleet.policies.upgrade.maxClockSkew,
    savesIdentities: fleet.identity !== undefined,
  };
}

/** Every declared member as it says of itself, and what the cluster has, if there is one. Changes nothing. */
export async function observeFormation(
  deps: Deps,
  { fleet: ref }: RunRef,
  context: ActivityContext,
): Promise<FormationObservation> {
  const fleet = await deps.fleetAt(ref);
  const scope = formationScope(fleet);
  const members = await atOnce(
    ...scope.members.map(({ name }) => observeMember(deps.machines.member(fleet, name), name, scope, context.signal)),
  );
  const answering = members.find(({ cluster }) => cluster !== undefined);
  if (answering === undefined) return { members };
  const incus = createIncus(deps.machines.member(fleet, answering.name), { signal: context.signal });
  const online = answering.cluster?.filter(({ status }) => status === 'Online').map(({ name }) => name) ?? [];
  return { members, contents: await clusterContents(incus, scope.cluster, online) };
}

async function observeMember(
  host: Host,
  name: string,
  scope: FormationScope,
  signal: AbortSignal,
): Promise<MemberFormation> {
  let interrupted = false;
  try {
    const marks = await again(() => marksOn(host, signal), signal);
    interrupted = marks.has('joining');
    const seen = await again(() => lookAt(host, name, scope, signal), signal);
    return { ...seen, interrupted, untried: marks.has('untried') };
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof HostError) && !(error instanceof ApplicationFailure)) throw error;
    return { ...NOTHING, name, interrupted, problem: error.message };
  }
}

const NOTHING = {
  interrupted: false,
  instances: [],
  pools: [],
  networks: [],
  volumes: [],
  sources: [],
  unresolved: [],
  unreachable: [],
} satisfies Partial<MemberFormation>;

async function lookAt(host: Host, name: string, scope: FormationScope, signal: AbortSignal): Promise<MemberFormation> {
  const incus = createIncus(host, { signal });
  const identity = expecting(await incus.identity(), 'identity', name);
  const skew = await clockSkew(host, { signal });
  const certificate = new X509Certificate(identity.certificate);
  const others = scope.members.filter((member) => member.name !== name);
  const common = {
    ...NOTHING,
    name,
    version: identity.version,
    clustered: identity.clustered,
    serverName: identity.serverName,
    fingerprint: identity.fingerprint,
    certificate: {
      from: new Date(certificate.validFrom).toISOString(),
      until: new Date(certificate.validTo).toISOString(),
    },
    ...(skew.type === 'skew' ? { clockSkewMs: certainSkewMs(skew) } : {}),
  };
  if (identity.clustered) {
    const listed = expecting(await incus.members(), 'members', name);
    return { ...common, cluster: listed.members.map(listedMember) };
  }
  const own = await ownThings(incus, name);
  return {
    ...common,
    ...own,
    ...(await places(host, name, scope.cluster, own.pools, signal)),
    ...(await surroundings(host, name, scope, others, signal)),
  };
}

export const listedMember = ({ name, url, status, message, roles }: ListedMember): ListedMember => ({
  name,
  url,
  status,
  message,
  roles,
});

/** What a server that is not clustered has of its own. */
async function ownThings(
  incus: Incus,
  name: string,
): Promise<Pick<MemberFormation, 'instances' | 'networks' | 'volumes' | 'pools'>> {
  const { instances } = expecting(await incus.instances(), 'instances', name);
  const { networks } = expecting(await incus.networks(), 'networks', name);
  const { pools } = expecting(await incus.storagePools(), 'storage pools', name);
  const volumes: string[] = [];
  for (const pool of pools) {
    const listed = expecting(await incus.volumes(pool.name, { project: 'default' }), 'volumes', name);
    volumes.push(...listed.volumes.map((volume) => `${pool.name}/${volume.name}`));
  }
  return {
    instances: instances.map(({ project, name: instance }) => `${project}/${instance}`),
    networks: networks.map((network) => network.name),
    pools: pools.map((pool) => ({ name: pool.name, driver: pool.driver, source: pool.config['source'] ?? '' })),
    volumes,
  };
}

/** What is at the place of each declared pool. */
async function places(
  host: Host,
  name: string,
  cluster: ClusterDeclaration,
  pools: MemberFormation['pools'],
  signal: AbortSignal,
): Promise<Pick<MemberFormation, 'sources'>> {
  const sources: SourceState[] = [];
  for (const [pool, declared] of Object.entries(cluster.pools)) {
    const source = sourceOf(declared);
    if (pools.some((own) => own.name === pool && own.source === source)) {
      sources.push({ pool, source, state: 'of the pool', found: [] });
      continue;
    }
    const found =
      declared.type === 'zfs'
        ? await createZfs(host, { signal }).below(declared.dataset)
        : await listFolder(host, declared.path, { signal });
    if (found.type === 'unexpected') throw toolFailure(`Looking at ${source} on ${name}`, found);
    const names = 'names' in found ? found.names : [];
    const state =
      found.type === 'not found' || found.type === 'none' ? 'missing' : names.length > 0 ? 'holds' : 'empty';
    sources.push({ pool, source, state, found: names.slice(0, FOUND) });
  }
  return { sources };
}

/** Whether it can use the declared addresses, and reaches the ports of the others. */
async function surroundings(
  host: Host,
  name: string,
  { members, cluster }: FormationScope,
  others: FormationScope['members'],
  signal: AbortSignal,
): Promise<Pick<MemberFormation, 'unresolved' | 'unreachable'>> {
  const network = createNetwork(host, { signal });
  const unresolved: MemberFormation['unresolved'] = [];
  for (const { name: member, address } of members) {
    if (isIP(address) !== 0) continue;
    const answer = await network.resolve(address);
    if (answer.type === 'unexpected') throw toolFailure(`Resolving ${address} on ${name}`, answer);
    if (answer.type === 'unknown name') unresolved.push({ address, reason: 'it cannot resolve it' });
    else if (member === name && answer.addresses.every(isLoopback))
      unresolved.push({ address, reason: `its own name is ${answer.addresses.join(', ')}, where no other reaches it` });
  }
  const unreachable: MemberFormation['unreachable'] = [];
  const unknown = new Set(unresolved.map(({ address }) => address));
  for (const other of others.filter(({ address }) => !unknown.has(address))) {
    const answer = await network.reach(other.address, cluster.port);
    if (answer.type === 'no answer') unreachable.push({ member: other.name, reason: answer.reason });
  }
  return { unresolved, unreachable };
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

async function clusterContents(
  incus: Incus,
  cluster: ClusterDeclaration,
  online: readonly string[],
): Promise<ClusterContents> {
  const { pools } = expecting(await incus.storagePools(), 'storage pools', 'the cluster');
  const sources: Record<string, string> = {};
  for (const name of Object.keys(cluster.pools).filter((pool) => pools.some((found) => found.name === pool)))
    for (const member of online) {
      const { source } = expecting(await incus.pool(name, member), 'pool', member);
      sources[`${member}/${name}`] = source ?? '';
    }
  const { networks } = expecting(await incus.networks(), 'networks', 'the cluster');
  const { profiles } = expecting(await incus.profiles(), 'profiles', 'the cluster');
  const { groups } = expecting(await incus.groups(), 'groups', 'the cluster');
  const { config } = expecting(await incus.identity(), 'identity', 'the cluster');
  const declared = <T extends { name: string }>(found: readonly T[], names: object): T[] =>
    found.filter(({ name }) => Object.hasOwn(names, name));
  return {
    sources,
    pools: declared(pools, cluster.pools).map(({ name, driver, status }) => ({ name, driver, status })),
    networks: declared(networks, cluster.networks).map(({ name, kind, description, config: keys }) => ({
      name,
      kind,
      description,
      config: only(keys, cluster.networks[name]?.config),
    })),
    profiles: declared(profiles, cluster.profiles),
    groups: declared(groups, cluster.groups),
    config: only(config, cluster.config),
    limits: roleLimits(config),
  };
}

/** What is declared of it: the rest is nobody's business here, and can hold secrets. */
const only = (keys: Readonly<Record<string, string>>, declared: object = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(keys).filter(([key]) => Object.hasOwn(declared, key)));
