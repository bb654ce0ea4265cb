import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import type { ListedMember } from '../plan/formation.ts';
import { withoutRecorded, type PoolPlace, type RemovalObservation, type RemovalScope } from '../plan/member-removal.ts';
import { atOnce } from '../tools/at-once.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createNetwork } from '../tools/network.ts';
import { foreignInDataset, foreignInFolder } from '../tools/pool-place.ts';
import { again } from './again.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { listedMember } from './observe-formation.ts';
import { listMembers } from './observe-members.ts';
import { orchestratorHere } from './orchestrator.ts';
import { scopeOf } from './scope.ts';

/** So many names of what is in the way are told. */
const FOUND = 6;
/** A host that is silent so long, while the cluster misses it too, did not just lose a packet. */
const SILENT_FOR_MS = 20_000;
const LOOK_EVERY_MS = 4_000;
const SSH_TIMEOUT_MS = 20_000;

export function removalScope(fleet: Fleet, member: string): RemovalScope {
  if (findNode(fleet, member).type !== 'member')
    throw failure(
      'BadConfig',
      `runbook.yaml has no member ${JSON.stringify(member)}: a member is declared until it is out.`,
    );
  return {
    member,
    members: Object.keys(fleet.members),
    guests: Object.entries(fleet.guests).flatMap(([name, guest]) => (guest.member === member ? [name] : [])),
    replicas: Object.entries(fleet.backups).flatMap(([name, { to }]) =>
      to.flatMap((target) =>
        target.type === 'zfs' && target.member === member ? [`${name} at ${target.dataset}`] : [],
      ),
    ),
    groups: Object.entries(fleet.cluster?.groups ?? {}).flatMap(([name, { members }]) =>
      members.includes(member) ? [name] : [],
    ),
    canJoin: fleet.cluster !== undefined,
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
}

/** The member as another one lists it, what is on record there, and what it says of itself. Changes nothing. */
export async function observeRemoval(
  deps: Deps,
  { fleet: ref, member, places: former }: RunRef & { member: string; places: Pick<PoolPlace, 'pool' | 'source'>[] },
  context: ActivityContext,
): Promise<RemovalObservation> {
  const fleet = await deps.fleetAt(ref);
  const { signal } = context;
  const names = [...Object.keys(fleet.members).filter((name) => name !== member), member];
  const listed = await again(() => listMembers({ machines: deps.machines, fleet, names, signal }), signal);
  const { members, via } = listed;
  const nothing = { members, instances: [], volumes: [], places: [] };
  if (via === undefined)
    return {
      ...nothing,
      noQuorum: listed.noQuorum ?? '',
      host: { answers: true, sign: 'not asked', silentForSeconds: 0 },
    };
  const host = deps.machines.member(fleet, member);
  const viaHost = deps.machines.member(fleet, via);
  const record = members.find(({ name }) => name === member);
  context.report({ progress: `whether ${member} lives` });
  // Whether it lives decides nothing where it is no member.
  const life = await lookForLife(host, viaHost, record, { signal, ...(record === undefined ? { patienceMs: 0 } : {}) });
  const own = life.answers ? await ownState(host, member, signal) : {};
  // Where the one that died wrote down the heartbeats, all seem Offline until another does.
  const now = life.answers
    ? members
    : expecting(await createIncus(viaHost, { signal }).members(), 'members', via).members;
  const common = { ...nothing, members: now.map(listedMember), via, host: life, ...own };
  if (record === undefined)
    return own.own === undefined
      ? common
      : {
          ...common,
          ...(await seen(() => atOnce(...former.map((place) => lookAtPlace(host, place, signal))), signal)),
        };
  const incus = createIncus(viaHost, { signal });
  const here = await orchestratorHere(deps, fleet, scopeOf(fleet, member), context);
  const records = await recordsOn(incus, member, via);
  const told = (place: PoolPlace): PoolPlace => ({
    ...place,
    foreign: withoutRecorded(place, records).slice(0, FOUND),
  });
  const places = async (): Promise<PoolPlace[]> => (await placesOf(host, incus, member, signal)).map(told);
  return {
    ...common,
    ...records,
    ...(own.own?.clustered === true ? await seen(places, signal) : {}),
    ...(here === undefined ? {} : { orchestratorHere: here }),
  };
}

/** What the cluster has on record of a member: also of one that is away. */
export async function recordsOn(
  incus: Incus,
  member: string,
  via: string,
): Promise<Pick<RemovalObservation, 'instances' | 'volumes'>> {
  const { instances } = expecting(await incus.instances(), 'instances', via);
  const { pools } = expecting(await incus.storagePools(), 'storage pools', via);
  const volumes: RemovalObservation['volumes'] = [];
  for (const { name: pool } of pools) {
    const found = expecting(await incus.volumes(pool), 'volumes', via).volumes;
    const own = found.filter(({ location }) => location === member);
    volumes.push(...own.map(({ project, name }) => ({ project, pool, name })));
  }
  const own = instances.filter(({ location }) => location === member);
  return { instances: own.map(({ project, name, status }) => ({ project, name, status })), volumes };
}

/**
 * A sign of life is an answer by ssh, be it a refusal, or one of its Incus port to the member that answers. One that gives
 * none is looked at again until it was silent for a while.
 */
export async function lookForLife(
  host: Host,
  viaHost: Host,
  record: ListedMember | undefined,
  { signal, patienceMs = SILENT_FOR_MS }: { signal: AbortSignal; patienceMs?: number },
): Promise<RemovalObservation['host']> {
  const since = Date.now();
  for (;;) {
    const sign = (await answersBySsh(host, signal)) ?? (await answersAtItsPort(viaHost, record, signal));
    const silentForSeconds = Math.round((Date.now() - since) / 1000);
    if (sign !== undefined) return { answers: true, sign, silentForSeconds: 0 };
    if (Date.now() - since >= patienceMs)
      return { answers: false, sign: `its host gave no sign of life for ${silentForSeconds} s`, silentForSeconds };
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}

async function answersBySsh(host: Host, signal: AbortSignal): Promise<string | undefined> {
  try {
    await host.run(['true'], { timeoutMs: SSH_TIMEOUT_MS, signal });
    return 'it answers by ssh';
  } catch (error) {
    if (!(error instanceof HostError) || error.type === 'Cancelled') throw error;
    const isSilent = error.type === 'Unreachable' || error.type === 'TimedOut';
    return isSilent ? undefined : `it answers, and refuses: ${error.message}`;
  }
}

async function answersAtItsPort(
  viaHost: Host,
  record: ListedMember | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (record === undefined) return undefined;
  const { hostname, port } = new URL(record.url);
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  const answer = await createNetwork(viaHost, { signal }).reach(address, Number(port));
  return answer.type === 'answers' ? `${address} answers ${viaHost.name}` : undefined;
}

async function ownState(
  host: Host,
  member: string,
  signal: AbortSignal,
): Promise<Pick<RemovalObservation, 'own' | 'ownProblem'>> {
  try {
    const identity = await again(
      async () => expecting(await createIncus(host, { signal }).identity(), 'identity', member),
      signal,
    );
    return { own: { clustered: identity.clustered } };
  } catch (error) {
    return { ownProblem: problemOf(error, signal) };
  }
}

/** What is at the place of each pool of the member, beside what Incus makes there. */
export async function placesOf(host: Host, incus: Incus, member: string, signal: AbortSignal): Promise<PoolPlace[]> {
  const { pools } = expecting(await incus.storagePools(), 'storage pools', member);
  const places: PoolPlace[] = [];
  for (const { name: pool, driver } of pools) {
    const { source } = expecting(await incus.pool(pool, member), 'pool', member);
    if (source === undefined || (driver !== 'zfs' && driver !== 'dir'))
      throw failure('Unexpected', `Pool ${pool} is of the driver ${driver}: what is in its place cannot be seen.`);
    places.push(await lookAtPlace(host, { pool, source }, signal));
  }
  return places;
}

/** A folder where its path says so, else a dataset. */
export async function lookAtPlace(
  host: Host,
  { pool, source }: Pick<PoolPlace, 'pool' | 'source'>,
  signal: AbortSignal,
): Promise<PoolPlace> {
  const look = source.startsWith('/') ? foreignInFolder : foreignInDataset;
  const found = await look(host, source, { signal });
  if (found.type === 'unexpected') throw toolFailure(`Looking at ${source} on ${host.name}`, found);
  if (found.type === 'none') return { pool, source, foreign: [], isThere: false };
  return { pool, source, foreign: found.foreign, isThere: true };
}

async function seen(
  look: () => Promise<PoolPlace[]>,
  signal: AbortSignal,
): Promise<Pick<RemovalObservation, 'places' | 'placesProblem'>> {
  try {
    return { places: await look() };
  } catch (error) {
    return { places: [], placesProblem: problemOf(error, signal) };
  }
}

/** The message of what a host or a tool said; anything else is thrown. */
function problemOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) throw error;
  if (error instanceof HostError || error instanceof ApplicationFailure) return error.message;
  throw error;
}
