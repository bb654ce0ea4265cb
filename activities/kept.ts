import { ApplicationFailure } from '@temporalio/common';
import { findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import { HostError, type Host } from '../hosts/host.ts';
import { instanceOfKept, keptInstance, kindOfKept, type KeptThing, type KeptView } from '../plan/kept.ts';
import { planRelease, type ReleaseObservation, type ReleaseScope } from '../plan/release-kept.ts';
import { createIncus } from '../tools/incus.ts';
import { createKeptFolders } from '../tools/kept-folders.ts';
import { createZfsKept, type KeptDataset } from '../tools/zfs-kept.ts';
import type { KeptActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure, type ToolProblem } from './failure.ts';
import { guarded } from './guard.ts';
import { readKeptMark } from './guest-note.ts';

/** A person waits: what takes longer is said not to answer. Disks may have to wake up. */
const PATIENCE_MS = 30_000;

/** What runs have set aside on the members and the backup hosts, and its end. */
export function createKeptActivities(deps: Deps): KeptActivities {
  return {
    listKept: guarded(async ({ fleet: ref }, { signal }) => listKept(deps, await deps.fleetAt(ref), signal)),
    resolveRelease: guarded(async ({ fleet: ref, member, kept }) =>
      releaseScope(await deps.fleetAt(ref), member, kept),
    ),
    observeRelease: guarded(async ({ fleet: ref, member, kept }, { signal }) =>
      observeRelease(deps.machines.receiver(await deps.fleetAt(ref), member), member, kept, signal),
    ),
    releaseKept: guarded(async ({ fleet: ref, member, kept: name }, { signal }) => {
      const fleet = await deps.fleetAt(ref);
      const host = deps.machines.receiver(fleet, member);
      const look = () => observeRelease(host, member, name, signal);
      const before = await look();
      if (!before.isThere) return 'already';
      const { refusals } = planRelease(releaseScope(fleet, member, name), before);
      if (refusals.length > 0) throw failure('GateRefused', refusals.map(({ message }) => message).join(' '));
      await destroy(host, member, name, signal);
      if ((await look()).isThere) throw failure('Unexpected', `It was destroyed, and ${name} is there still.`);
      return 'done';
    }),
  };
}

async function listKept({ machines }: Deps, fleet: Fleet, signal: AbortSignal): Promise<KeptView> {
  type Look = (host: Host, member: string, signal: AbortSignal) => Promise<KeptThing[]>;
  const members = Object.keys(fleet.members);
  const looks: [string, Look][] = [
    ...[...members, ...Object.keys(fleet.backupHosts)].map((name): [string, Look] => [name, keptOn]),
    // Apart, so that an Incus that does not answer hides nothing of what is on the disks.
    ...members.map((name): [string, Look] => [name, keptInstances]),
  ];
  const found = await Promise.all(
    looks.map(async ([member, look]): Promise<KeptThing[] | KeptView['silent'][number]> => {
      const soon = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      try {
        return await look(machines.receiver(fleet, member), member, soon);
      } catch (error) {
        if (signal.aborted) throw error;
        if (soon.aborted) return { member, problem: `no answer within ${PATIENCE_MS / 1000} s` };
        if (error instanceof HostError || error instanceof ApplicationFailure)
          return { member, problem: error.message };
        throw error;
      }
    }),
  );
  const silent = found.flatMap((look) => (Array.isArray(look) ? [] : [look]));
  return {
    kept: found.flatMap((look) => (Array.isArray(look) ? look : [])),
    silent: silent.filter(({ member }, at) => silent.findIndex((each) => each.member === member) === at),
  };
}

async function keptOn(host: Host, member: string, signal: AbortSignal): Promise<KeptThing[]> {
  const zfs = createZfsKept(host, { signal });
  const { datasets } = known(await zfs.kept(), 'kept');
  const kept: KeptThing[] = [];
  for (const { name, from, at, why } of datasets) {
    const found = await zfs.parts(name);
    if (found.type === 'none') continue;
    const { parts } = known(found, 'parts');
    kept.push({
      ...{ member, kind: 'dataset', name },
      ...(from === undefined ? {} : { from }),
      ...(at === undefined ? {} : { since: at }),
      bytes: parts.find((part) => part.name === name)?.usedBytes ?? 0,
      ...(why === undefined ? {} : { why }),
    });
  }
  const { folders } = known(await createKeptFolders(host, { signal }).list(), 'folders');
  return [
    ...kept,
    ...folders.map(({ name, since, bytes }) => ({ member, kind: 'folder' as const, name, since, bytes })),
  ];
}

async function keptInstances(host: Host, member: string, signal: AbortSignal): Promise<KeptThing[]> {
  return (await instancesOn(host, member, signal)).flatMap(({ name, keptMark }) => {
    const mark = readKeptMark(keptMark);
    if (mark === undefined) return [];
    const { from, at: since, why } = mark;
    return [{ member, kind: 'instance' as const, name: keptInstance(name), from, since, why }];
  });
}

/** `none` is where a server without a cluster has its instances. */
async function instancesOn(host: Host, member: string, signal: AbortSignal) {
  const { instances } = expecting(await createIncus(host, { signal }).instances(), 'instances', member);
  return instances.filter(({ location }) => location === member || location === 'none');
}

export function releaseScope(fleet: Fleet, member: string, name: string): ReleaseScope {
  if (findNode(fleet, member).type !== 'member' && !Object.hasOwn(fleet.backupHosts, member))
    throw failure('BadConfig', `runbook.yaml has no member and no backup host ${JSON.stringify(member)}.`);
  const pools = Object.entries(fleet.cluster?.pools ?? {});
  return {
    member,
    members: Object.keys(fleet.members),
    name,
    declared: [
      ...pools.flatMap(([pool, declared]) =>
        declared.type === 'zfs' ? [{ dataset: declared.dataset, use: `pool ${pool}` }] : [],
      ),
      ...Object.entries(fleet.backups).flatMap(([backup, { to }]) =>
        to.flatMap((target) =>
          target.type === 'zfs' && target.member === member
            ? [{ dataset: target.dataset, use: `the replicas of backup ${backup}` }]
            : [],
        ),
      ),
    ],
    approvalTimeout: fleet.policies.upgrade.approvalTimeout,
  };
}

const NOTHING = { isThere: false, bytes: 0, datasets: 0, snapshots: [], mounted: [], held: [], clones: [] };

async function observeRelease(
  host: Host,
  member: string,
  name: string,
  signal: AbortSignal,
): Promise<ReleaseObservation> {
  if (kindOfKept(name) === 'instance') {
    const found = await instanceKept(host, member, name, signal);
    if (found === undefined) return NOTHING;
    const mark = readKeptMark(found.keptMark);
    const instance = { status: found.status, volumes: found.volumes.map((volume) => volume.name) };
    return { ...NOTHING, isThere: true, instance, ...(mark === undefined ? {} : { mark }) };
  }
  if (kindOfKept(name) === 'folder') {
    const { folders } = known(await createKeptFolders(host, { signal }).list(), 'folders');
    const found = folders.find((folder) => folder.name === name);
    return found === undefined ? NOTHING : { ...NOTHING, isThere: true, bytes: found.bytes, mark: { at: found.since } };
  }
  const zfs = createZfsKept(host, { signal });
  const found = await zfs.parts(name);
  if (found.type === 'none') return NOTHING;
  const { parts } = known(found, 'parts');
  const { datasets } = known(await zfs.kept(), 'kept');
  const mark = datasets.find((dataset) => dataset.name === name);
  const isOwn = (other: string): boolean => other === name || other.startsWith(`${name}/`);
  const used = await usedBy(host, signal);
  return {
    isThere: true,
    ...(mark === undefined ? {} : { mark: markOf(mark) }),
    bytes: parts.find((part) => part.name === name)?.usedBytes ?? 0,
    datasets: parts.filter(({ type }) => type !== 'snapshot').length,
    snapshots: parts.filter(({ type }) => type === 'snapshot').map((part) => part.name),
    mounted: parts.filter(({ isMounted }) => isMounted).map((part) => part.name),
    held: parts.filter(({ holds }) => holds > 0).map((part) => part.name),
    clones: parts.flatMap(({ name: of, clones }) =>
      clones.filter((clone) => !isOwn(clone)).map((clone) => ({ clone, of })),
    ),
    ...(used === undefined ? {} : { used }),
  };
}

const markOf = ({
  from,
  at,
  why,
  rejoin,
}: Omit<KeptDataset, 'name' | 'run'>): NonNullable<ReleaseObservation['mark']> => ({
  ...(rejoin === 'open' ? { open: true } : {}),
  ...(from === undefined ? {} : { from }),
  ...(at === undefined ? {} : { at }),
  ...(why === undefined ? {} : { why }),
});

/** The datasets of the pools that the member's own Incus has. Undefined where it cannot be asked. */
export async function usedBy(host: Host, signal: AbortSignal): Promise<ReleaseObservation['used']> {
  try {
    const incus = createIncus(host, { signal });
    const { clustered, serverName } = expecting(await incus.identity(), 'identity', host.name);
    const { pools } = expecting(await incus.storagePools(), 'storage pools', host.name);
    const used: NonNullable<ReleaseObservation['used']> = [];
    for (const { name, driver } of pools.filter((pool) => pool.driver === 'zfs')) {
      const { source = name } = expecting(await incus.pool(name, clustered ? serverName : undefined), 'pool', driver);
      used.push({ dataset: source, use: `pool ${name}` });
    }
    return used;
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof HostError || error instanceof ApplicationFailure) return undefined;
    throw error;
  }
}

async function instanceKept(host: Host, member: string, name: string, signal: AbortSignal) {
  return (await instancesOn(host, member, signal)).find((each) => each.name === instanceOfKept(name));
}

async function destroy(host: Host, member: string, name: string, signal: AbortSignal): Promise<void> {
  if (kindOfKept(name) === 'instance') {
    const found = await instanceKept(host, member, name, signal);
    if (found === undefined) return;
    const removed = await createIncus(host, { signal }).removeInstance(found.project, found.name);
    if (removed.type !== 'removed' && removed.type !== 'none') throw toolFailure(`Removing ${found.name}`, removed);
    return;
  }
  if (kindOfKept(name) === 'folder') {
    known(await createKeptFolders(host, { signal }).remove(name), 'removed');
    return;
  }
  const answer = await createZfsKept(host, { signal }).destroy(name);
  if (answer.type !== 'destroyed' && answer.type !== 'none') throw toolFailure(`Destroying ${name}`, answer);
}

/** The answer of that type; what else a tool says is a failure. */
function known<A extends { type: string }, T extends A['type']>(answer: A, type: T): Extract<A, { type: T }> {
  if (answer.type === type) return answer as Extract<A, { type: T }>;
  throw toolFailure('Looking at what is kept', answer as unknown as ToolProblem);
}
