import { isIP } from 'node:net';
import { ApplicationFailure } from '@temporalio/common';
import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import {
  zpoolOf,
  type FoundHost,
  type FoundIncus,
  type FoundPool,
  type RejoinObservation,
  type RejoinPool,
  type RejoinScope,
  type RemainingCluster,
} from '../plan/rejoin.ts';
import { certainSkewMs, clockSkew } from '../tools/clock.ts';
import { createIncus } from '../tools/incus.ts';
import { createNetwork } from '../tools/network.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import { createZfs } from '../tools/zfs.ts';
import { createZpoolImport } from '../tools/zpool-import.ts';
import { again } from './again.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { copiesOf } from './identity-places.ts';
import { contentsOf } from './kept-dataset.ts';
import { observeMissing } from './observe-missing.ts';
import { openOf, treeOf } from './rejoin-pools.ts';

/** What the fleet file says of the member. Fails as BadConfig where that is not enough. */
export function rejoinScope(fleet: Fleet, member: string): RejoinScope {
  const { cluster } = fleet;
  if (cluster === undefined)
    throw failure('BadConfig', 'runbook.yaml has no `cluster`: it says which pools a member has, and where.');
  if (fleet.members[member] === undefined) throw failure('BadConfig', `runbook.yaml declares no member ${member}.`);
  const pools = Object.entries(cluster.pools).map(([name, pool]): RejoinPool => {
    if (pool.type === 'zfs') return { name, dataset: pool.dataset };
    throw failure('BadConfig', `Pool ${name} is a folder: only what is on ZFS outlives the disk that Incus is on.`);
  });
  return {
    member,
    others: Object.keys(fleet.members).filter((name) => name !== member),
    pools,
    guests: Object.entries(fleet.guests).flatMap(([name, guest]) => (guest.member === member ? [name] : [])),
    maxClockSkew: fleet.policies.upgrade.maxClockSkew,
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
    stallTimeout: fleet.policies.backup.stallTimeout,
    hasInfra: fleet.infra !== undefined,
    savesIdentities: fleet.identity !== undefined,
  };
}

/** The cluster as another member tells it, and the host as it says of itself. Changes nothing. */
export async function observeRejoin(
  deps: Deps,
  input: RunRef & { member: string; anew: boolean },
  { signal }: ActivityContext,
): Promise<RejoinObservation> {
  const { member } = input;
  const fleet = await deps.fleetAt(input.fleet);
  const scope = rejoinScope(fleet, member);
  const told = await remainingCluster(deps, fleet, scope, signal);
  const own = deps.machines.member(fleet, member);
  const host = await orProblem(() => foundHost(own, scope, told.cluster, signal), signal);
  const { cluster } = told;
  const look = async (found: FoundHost, of: RemainingCluster): Promise<Pick<RejoinObservation, 'missing'>> => {
    const other = createIncus(deps.machines.member(fleet, of.via), { signal });
    const missing = await observeMissing({ deps, fleet, scope, host: own, found, cluster: of, other }, signal);
    return missing === undefined ? {} : { missing };
  };
  return {
    ...told,
    ...('value' in host ? { host: host.value } : { hostProblem: host.problem }),
    ...(await savedIdentities(deps, fleet, input, signal)),
    ...('value' in host && cluster !== undefined ? await look(host.value, cluster) : {}),
  };
}

async function savedIdentities(
  deps: Deps,
  fleet: Fleet,
  input: RunRef & { member: string; anew: boolean },
  signal: AbortSignal,
): Promise<Pick<RejoinObservation, 'copies' | 'copiesProblem'>> {
  const { identity } = fleet;
  if (input.anew) return { copies: [], copiesProblem: 'it is to join anew (--anew)' };
  if (identity === undefined) return { copies: [], copiesProblem: 'runbook.yaml declares none (identity)' };
  if (identity.identityFile === undefined)
    return { copies: [], copiesProblem: 'the worker has no key to decrypt one with (identity.identityFile)' };
  const copies = await copiesOf(deps, fleet, input.member, signal);
  return { copies: copies.map(({ place, path, takenAt }) => ({ place, path, takenAt })) };
}

type Looked<T> = { value: T } | { problem: string; type?: string | undefined };

/** What cannot be had is part of the answer. */
async function orProblem<T>(look: () => Promise<T>, signal: AbortSignal): Promise<Looked<T>> {
  try {
    return { value: await again(look, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof HostError) return { problem: error.message };
    if (error instanceof ApplicationFailure) return { problem: error.message, type: error.type ?? undefined };
    throw error;
  }
}

/** The first other member that answers tells for all. */
async function remainingCluster(
  deps: Deps,
  fleet: Fleet,
  { member, others, pools }: RejoinScope,
  signal: AbortSignal,
): Promise<Pick<RejoinObservation, 'cluster' | 'clusterProblem' | 'noQuorum'>> {
  const problems: string[] = [];
  let noQuorum = false;
  for (const via of others) {
    const names = pools.map(({ name }) => name);
    const ask = (): Promise<RemainingCluster> =>
      clusterBy(deps.machines.member(fleet, via), { via, member, pools: names }, signal);
    const looked = await orProblem(ask, signal);
    if ('value' in looked) return { cluster: looked.value };
    problems.push(`${via}: ${looked.problem}`);
    noQuorum ||= looked.type === 'NoQuorum';
  }
  return problems.length === 0 ? {} : { clusterProblem: problems.join('; '), noQuorum };
}

async function clusterBy(
  host: Host,
  { via, member, pools }: { via: string; member: string; pools: readonly string[] },
  signal: AbortSignal,
): Promise<RemainingCluster> {
  const incus = createIncus(host, { signal });
  const { members } = expecting(await incus.members(), 'members', via);
  const { version, fingerprint } = expecting(await incus.identity(), 'identity', via);
  const { instances } = expecting(await incus.instances(), 'instances', via);
  const { volumes } = expecting(await incus.volumeRecords(member, pools), 'volume records', via);
  return {
    via,
    version,
    fingerprint,
    members: members.map(({ name, url, status, message, roles }) => ({ name, url, status, message, roles })),
    instances: instances.filter(({ location }) => location === member).map(({ project, name }) => ({ project, name })),
    volumes: volumes.map(({ pool, project, name }) => ({ pool, project, name })),
  };
}

async function foundHost(
  host: Host,
  scope: RejoinScope,
  cluster: RemainingCluster | undefined,
  signal: AbortSignal,
): Promise<FoundHost> {
  const listed = cluster?.members.find(({ name }) => name === scope.member);
  const skew = await clockSkew(host, { signal });
  return {
    incus: await foundIncus(host, scope, signal),
    hasListedAddress: listed !== undefined && (await hasAddress(host, new URL(listed.url).hostname, signal)),
    ...(skew.type === 'skew' ? { clockSkewMs: certainSkewMs(skew) } : {}),
    pools: await foundPools(host, scope.pools, signal),
  };
}

async function foundIncus(host: Host, { member }: RejoinScope, signal: AbortSignal): Promise<FoundIncus> {
  const incus = createIncus(host, { signal });
  const looked = await orProblem(async (): Promise<FoundIncus> => {
    const { clustered, serverName, fingerprint, version } = expecting(await incus.identity(), 'identity', member);
    if (clustered) return { type: 'member', serverName, fingerprint, version };
    const { instances } = expecting(await incus.instances(), 'instances', member);
    const { pools } = expecting(await incus.storagePools(), 'storage pools', member);
    return {
      type: 'alone',
      version,
      instances: instances.map(({ project, name }) => `${project}/${name}`),
      pools: pools.map(({ name }) => name),
    };
  }, signal);
  return 'value' in looked ? looked.value : { type: 'silent', problem: looked.problem };
}

/** Whether the host has the address under which the cluster lists it: a name is resolved where it is to hold. */
async function hasAddress(host: Host, listed: string, signal: AbortSignal): Promise<boolean> {
  const network = createNetwork(host, { signal });
  const bare = listed.replace(/^\[(.*)\]$/, '$1');
  const resolved = isIP(bare) === 0 ? await network.resolve(bare) : { type: 'addresses' as const, addresses: [bare] };
  if (resolved.type === 'unknown name') return false;
  for (const address of expecting(resolved, 'addresses', host.name).addresses)
    if (expecting(await network.owns(address), 'owns', host.name).owns) return true;
  return false;
}

async function foundPools(host: Host, pools: readonly RejoinPool[], signal: AbortSignal): Promise<FoundPool[]> {
  const imported = new Set(
    expecting(await createZfs(host, { signal }).pools(), 'pools', host.name).pools.map(({ name }) => name),
  );
  const isComplete = pools.every(({ dataset }) => imported.has(zpoolOf(dataset)));
  const importable = isComplete
    ? []
    : expecting(await createZpoolImport(host, { signal }).importable(), 'importable', host.name).pools;
  const found: FoundPool[] = [];
  for (const { name: pool, dataset } of pools) {
    const zpool = zpoolOf(dataset);
    const there = importable.find(({ name }) => name === zpool);
    if (imported.has(zpool)) found.push(await importedPool(host, { name: pool, dataset }, signal));
    else
      found.push({
        pool,
        dataset,
        zpool: there === undefined ? 'missing' : there.foreign ? 'foreign' : 'importable',
        place: 'unknown',
        encrypted: false,
        contents: [],
        aside: [],
      });
  }
  return found;
}

async function importedPool(host: Host, { name, dataset }: RejoinPool, signal: AbortSignal): Promise<FoundPool> {
  const zfs = createZfsDatasets(host, { signal });
  const tree = await zfs.tree(dataset);
  const datasets = tree.type === 'not found' ? undefined : expecting(tree, 'datasets', host.name).datasets;
  const contents = datasets === undefined ? [] : contentsOf(dataset, datasets);
  const aside: FoundPool['aside'] = [];
  for (const kept of await openOf(host, dataset, signal))
    aside.push({ dataset: kept, contents: contentsOf(kept, await treeOf(zfs, host, kept)) });
  return {
    pool: name,
    dataset,
    zpool: 'imported',
    place: datasets === undefined ? 'missing' : contents.length > 0 ? 'holds' : 'empty',
    encrypted: datasets?.some(({ encrypted }) => encrypted) === true,
    contents,
    aside,
  };
}
