import type { Backup, Fleet, Guest } from '../fleet/schema.ts';
import { matchesPattern, takesAll } from '../fleet/volume-pattern.ts';
import type { Host } from '../hosts/host.ts';
import { gigabytes } from '../plan/bytes.ts';
import { selectVolumes, type BackupEntry, type ObservedVolume } from '../plan/backup-selection.ts';
import {
  allPairs,
  volumeKey,
  type BackupObservation,
  type BackupScope,
  type ReplicaPair,
} from '../plan/nightly-backup.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createZfs } from '../tools/zfs.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orTypedProblem } from './or-problem.ts';
import { newestAt, newestCommonAt } from './replica-ages.ts';
import { observeReplicas, replicaOf, type ReplicaFacts } from './replica-facts.ts';

/** What the fleet file says at the run's revision. Fails as BadConfig where there is no such entry. */
export function backupScope(fleet: Fleet, backup: string | undefined): BackupScope {
  const all = fleet.backups;
  const policy = fleet.policies.backup;
  if (backup === undefined) return { backups: all, policy };
  const one = Object.hasOwn(all, backup) ? all[backup] : undefined;
  if (one === undefined) throw failure('BadConfig', `runbook.yaml has no backup ${JSON.stringify(backup)}.`);
  return { backups: { [backup]: one }, policy };
}

/** Volumes, hosts and replicas as they are. What does not answer is part of the answer. Changes nothing. */
export async function observeBackup(
  deps: Deps,
  { scope, fleet: ref }: Pick<RunRef, 'fleet'> & { scope: BackupScope },
  context: ActivityContext,
): Promise<BackupObservation> {
  const { signal, report } = context;
  const fleet = await deps.fleetAt(ref);
  const sources = await observeSources(deps, fleet, scope, context);
  const { away } = sources;
  const observation: BackupObservation = { ...sources, unfit: [], replicas: [] };
  for (const pair of allPairs(scope, observation).filter(({ target }) => away[target.member] === undefined)) {
    report({ progress: `replicas on ${pair.target.member}` });
    const look = away[pair.sender] === undefined ? observePair : observeReceiver;
    const seen = await orTypedProblem(() => look(deps, fleet, pair, signal), signal);
    const unfit = seen.type === 'problem' ? seen.problem : seen.value.unfit;
    if (unfit !== undefined) observation.unfit.push({ pair: pair.id, problem: unfit });
    if (seen.type === 'value') observation.replicas.push(...seen.value.replicas);
  }
  return observation;
}

export type ObservedSources = Pick<BackupObservation, 'selection' | 'datasets' | 'away'>;

/** Which volumes are selected, where they lie, and who does not answer. Changes nothing. */
export async function observeSources(
  deps: Deps,
  fleet: Fleet,
  scope: BackupScope,
  { signal, report }: ActivityContext,
): Promise<ObservedSources> {
  const away = await hostsAway(deps, fleet, scope, signal);
  const via = await whoseIncusAnswers(deps, fleet, away, signal);
  const incus = createIncus(deps.machines.member(fleet, via), { signal });
  report({ progress: 'volumes' });
  const volumes = await customVolumes(incus, fleet, scope, via);
  const declared = { backups: entriesOf(scope), guests: fleet.guests, matchesPattern };
  const selection = selectVolumes(declared, volumes);
  const reached = selection.selected.map(({ volume }) => volume).filter(({ member }) => away[member] === undefined);
  const datasets = await datasetsOf(incus, reached, away, signal);
  return { selection, datasets, away };
}

const entriesOf = ({ backups }: BackupScope): Record<string, BackupEntry> =>
  Object.fromEntries(
    Object.entries(backups).map(([name, backup]) => [
      name,
      { ...backup, volumes: takesAll(backup) ? ['*'] : backup.volumes },
    ]),
  );

/** Members with such guests, those that can be asked, and receivers. */
async function hostsAway(
  deps: Deps,
  fleet: Fleet,
  { backups }: BackupScope,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const receivers = Object.values(backups).flatMap(({ to }) =>
    to.flatMap((target) => (target.type === 'zfs' ? [target.member] : [])),
  );
  const away: Record<string, string> = {};
  const look = async (name: string, host: Host): Promise<void> => {
    const answer = await orTypedProblem(() => host.run(['true'], { timeoutMs: 30_000, signal }), signal);
    if (answer.type === 'problem') away[name] = answer.problem.message;
  };
  const names = new Set([...Object.keys(fleet.members), ...receivers]);
  await Promise.all([...names].map((name) => look(name, deps.machines.receiver(fleet, name))));
  return away;
}

/** Members whose Incus does not answer are away, as for what they hold; that they answer to ssh does not help. */
async function whoseIncusAnswers(
  { machines }: Deps,
  fleet: Fleet,
  away: Record<string, string>,
  signal: AbortSignal,
): Promise<string> {
  for (const name of Object.keys(fleet.members).filter((member) => away[member] === undefined)) {
    const incus = createIncus(machines.member(fleet, name), { signal });
    const listed = await orTypedProblem(async () => expecting(await incus.members(), 'members', name), signal);
    if (listed.type === 'value') return name;
    away[name] = listed.problem.message;
  }
  throw failure('Unreachable', `No member’s Incus answers: ${Object.values(away).join('; ')}`);
}

/** In the pools that the guests concerned use, with whom each is given to or attached to. */
async function customVolumes(
  incus: Incus,
  fleet: Fleet,
  { backups }: BackupScope,
  via: string,
): Promise<ObservedVolume[]> {
  const { instances } = expecting(await incus.instances(), 'instances', via);
  const guests = [...new Set(Object.values(backups).map(({ guest }: Backup) => guest))];
  const used = guests.flatMap((name) => {
    const guest = fleet.guests[name] as Guest;
    const attached = instances.find((each) => each.name === name && each.project === guest.project)?.volumes ?? [];
    return [...guest.volumes, ...attached].map(({ pool, name: volume }) => ({
      guest: name,
      pool,
      volume,
      ...placeOf(guest),
    }));
  });
  const found: ObservedVolume[] = [];
  for (const pool of new Set(used.map((each) => each.pool))) {
    const { volumes } = expecting(await incus.volumes(pool), 'volumes', via);
    for (const { name, project, location, contentType, config } of volumes) {
      const owners = used.filter(
        (use) => use.pool === pool && use.volume === name && use.project === project && use.member === location,
      );
      found.push({
        ...{ project, pool, member: location, name, contentType, config: userKeys(config) },
        guests: [...new Set(owners.map(({ guest }) => guest))],
      });
    }
  }
  return found;
}

const placeOf = ({ project, member }: Guest): { project: string; member: string } => ({ project, member });

/** A history needs no more of it. */
const userKeys = (config: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith('user.')));

/** Where each is, by its key, if its pool is one of ZFS. A member that cannot tell is away. */
async function datasetsOf(
  incus: Incus,
  volumes: readonly ObservedVolume[],
  away: Record<string, string>,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const datasets: Record<string, string> = {};
  const places = new Map(volumes.map(({ pool, member }) => [`${pool} ${member}`, { pool, member }]));
  for (const { pool, member } of places.values()) {
    const found = await orTypedProblem(async () => expecting(await incus.pool(pool, member), 'pool', member), signal);
    if (found.type === 'problem') away[member] ??= found.problem.message;
    else if (found.value.driver === 'zfs' && found.value.dataset !== undefined)
      for (const volume of volumes.filter((each) => each.pool === pool && each.member === member))
        datasets[volumeKey(volume)] = `${found.value.dataset}/custom/${volume.project}_${volume.name}`;
  }
  return datasets;
}

interface SeenPair {
  unfit?: Problem;
  replicas: BackupObservation['replicas'];
}

async function observePair(
  { machines }: Deps,
  fleet: Fleet,
  declared: ReplicaPair,
  signal: AbortSignal,
): Promise<SeenPair> {
  const pair = { ...declared, volumes: declared.volumes.filter(({ dataset }) => dataset !== undefined) };
  const receiver = machines.receiver(fleet, pair.target.member);
  const facts = await observeReplicas({ sender: machines.member(fleet, pair.sender), receiver }, pair, signal);
  const ages = await newestCommonAt({ receiver }, pair, facts, signal);
  const room = await roomOf(receiver, pair, fleet.policies.backup.minFreeSpace, signal);
  if (typeof room !== 'number') return { unfit: room, replicas: [] };
  const tooLarge = withoutRoom(facts, room);
  const replicas = facts.map(({ volume, decision }) => {
    const newestAt = ages.get(decision.target);
    // That there is nothing to send yet is no problem: the run makes its snapshot first.
    const own = decision.problem?.type === 'NothingToSend' ? undefined : decision.problem;
    const problem = own ?? (tooLarge.has(decision.target) ? noRoom(receiver, decision.target, room) : undefined);
    return {
      ...{ pair: pair.id, volume: inProject(volume), relation: decision.relation.type },
      warnings: decision.warnings,
      ...(newestAt === undefined ? {} : { newestAt }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
  return { replicas };
}

/** What is there of a sender that is away. */
async function observeReceiver(
  { machines }: Deps,
  fleet: Fleet,
  pair: ReplicaPair,
  signal: AbortSignal,
): Promise<SeenPair> {
  const ages = await newestAt(machines.receiver(fleet, pair.target.member), pair, signal);
  const replicas = pair.volumes.map((volume) => {
    const at = ages.get(replicaOf(pair, volume));
    return {
      ...{ pair: pair.id, volume: inProject(volume), relation: 'unseen', warnings: [] },
      ...(at === undefined ? {} : { newestAt: at }),
    };
  });
  return { replicas };
}

/** Bytes that may come to the receiver's pool, or why it is of no use. */
export async function roomOf(
  host: Host,
  { target }: { target: Pick<ReplicaPair['target'], 'dataset'> },
  minFreePercent: number,
  signal: AbortSignal,
): Promise<number | Problem> {
  const [name = ''] = target.dataset.split('/');
  const pool = await createZfs(host, { signal }).poolHealth(name);
  if (pool.type === 'not found') return problemOf('NotFound', `${host.name} has no pool ${name}.`);
  if (pool.type !== 'pool') return problemOf('Unexpected', `zpool on ${host.name}: ${pool.output}`);
  if (pool.health !== 'ONLINE' && pool.health !== 'DEGRADED')
    return problemOf('Unhealthy', `Pool ${name} on ${host.name} is ${pool.health}.`);
  return pool.free - (pool.size * minFreePercent) / 100;
}

/**
 * Replicas that there is no room for, small ones first: a large one is not to keep the others out. What a first copy takes, and
 * what was written since the newest snapshot: more is not known before it is sent.
 */
function withoutRoom(facts: readonly ReplicaFacts[], room: number): Set<string> {
  const needs = facts
    .map(({ target, source, decision }) => ({
      target: decision.target,
      bytes: target === undefined ? source.usedBytes : source.writtenBytes,
    }))
    .toSorted((a, b) => a.bytes - b.bytes);
  let left = room;
  return new Set(needs.filter(({ bytes }) => (left -= bytes) < 0).map(({ target }) => target));
}

const noRoom = (host: Host, target: string, room: number): Problem =>
  problemOf(
    'NoSpace',
    `${target} does not fit on ${host.name}: ${gigabytes(Math.max(0, room))} may come to its pool (policies.backup.minFreeSpace).`,
  );
