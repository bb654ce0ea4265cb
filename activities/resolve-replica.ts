import type { Fleet } from '../fleet/schema.ts';
import { replicaName } from '../plan/backup-selection.ts';
import { allPairs, placeOf, type ReplicaPair } from '../plan/nightly-backup.ts';
import { inProject } from '../plan/projects.ts';
import {
  beyondApproval,
  planResolve,
  type LostSnapshot,
  type ResolveObservation,
  type ResolveWay,
} from '../plan/replica-resolve.ts';
import { after } from '../plan/replica-relation.ts';
import type { DatasetFacts, SnapshotFact } from '../plan/replication.ts';
import { createZfsDatasets } from '../tools/zfs-datasets.ts';
import { createZfsKept, MARKS, type DatasetPart } from '../tools/zfs-kept.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { createZfsResume } from '../tools/zfs-resume.ts';
import { zfsRollback } from '../tools/zfs-rollback.ts';
import { zfsSnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import { createZfs } from '../tools/zfs.ts';
import type { ResolveActivities, ResolveRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { backupScope, observeSources } from './observe-backup.ts';
import { observeReplicas, replicaOf, type ReplicaFacts } from './replica-facts.ts';
import { holdOf, releaseOwn } from './replica-marks.ts';
import { transferEnds, type TransferEnds } from './transfer-way.ts';

/** A person's decision about one replica that copies cannot go on with. */
export function createResolveActivities(deps: Deps): ResolveActivities {
  return {
    observeResolve: guarded(async (input, context) => (await look(deps, input, context)).seen),

    keepReplicaAside: guarded(async ({ at, ...input }, context) => {
      const { ends, seen } = await look(deps, input, context);
      const { aside, replica, problem } = seen;
      if (aside === undefined) throw failure('GateRefused', `There is no place beside the replicas for ${replica}.`);
      const zfs = createZfsDatasets(ends.receiver, { signal: context.signal });
      const isAside = async (): Promise<boolean> => (await zfs.tree(aside)).type === 'datasets';
      if (!(await isAside())) {
        if (isSettled('keep aside', seen)) return 'already';
        expecting(await zfs.rename(replica, aside), 'renamed', ends.receiver.name);
      }
      const marks = {
        [MARKS.run]: input.name,
        [MARKS.from]: replica,
        [MARKS.at]: at,
        [MARKS.why]: problem?.message ?? 'its copies could not go on',
      };
      expecting(await zfs.setProperties(aside, marks), 'set', ends.receiver.name);
      await releaseAside(ends, aside, context.signal);
      if (!(await isAside())) throw failure('Unexpected', `It was renamed, and there is no ${aside}.`);
      return 'done';
    }),

    rollReplicaBack: guarded(async ({ approved, ...input }, context) => {
      const { ends, seen } = await look(deps, input, context);
      if (isSettled('roll back', seen)) return 'already';
      const beyond = beyondApproval(seen, approved);
      if (beyond !== undefined) throw failure('GateRefused', beyond);
      await rollBack(ends, seen, context.signal);
      const after = (await look(deps, input, context)).seen;
      if (after.lost.length === 0 && after.writtenBytes === 0) return 'done';
      throw failure('Unexpected', `${seen.replica} was rolled back, and is not at @${seen.common?.name ?? ''}.`);
    }),
  };
}

/** What refuses it now has come up since it was approved. */
function isSettled(way: ResolveWay, seen: ResolveObservation): boolean {
  const { settled, refusals } = planResolve(way, seen);
  if (refusals.length > 0) throw failure('GateRefused', refusals.map(({ message }) => message).join(' '));
  return settled !== undefined;
}

/** By the names that were approved, and only then back to what is the newest: nothing goes that nobody has named. */
async function rollBack(
  ends: TransferEnds,
  { replica, common, lost }: ResolveObservation,
  signal: AbortSignal,
): Promise<void> {
  const { receiver } = ends;
  const aborted = await createZfsResume(receiver, { signal }).abortPartial(replica);
  if (aborted.type === 'busy') throw failure('Busy', `${replica} is received: ${aborted.message}`);
  if (aborted.type === 'unexpected') throw toolFailure(`zfs on ${receiver.name}`, aborted);
  if (lost.length > 0) {
    const names = lost.map(({ name }) => name);
    await releaseOwn(receiver, ends, await heldOf(receiver, replica, names, signal), signal);
    const gone = await createZfsReplication(receiver, { signal }).destroySnapshots(replica, names);
    if (gone.type !== 'destroyed') throw toolFailure(`zfs on ${receiver.name}`, gone);
    if (gone.kept[0] !== undefined) throw failure('Busy', `${replica}: ${gone.kept[0].message}`);
  }
  const back = await zfsRollback(receiver, { dataset: replica, snapshot: common?.name ?? '' }, { signal });
  if (back.type === 'newer') throw failure('Diverged', `${replica} has a newer snapshot meanwhile: ${back.message}`);
  if (back.type !== 'rolled back') throw toolFailure(`zfs on ${receiver.name}`, back);
}

/** `runbook release-kept` refuses what is held. */
async function releaseAside(ends: TransferEnds, aside: string, signal: AbortSignal): Promise<void> {
  await releaseOwn(ends.receiver, ends, await heldOf(ends.receiver, aside, undefined, signal), signal);
}

async function heldOf(
  host: TransferEnds['receiver'],
  dataset: string,
  names: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const listed = await zfsSnapshotDetails(host, dataset, { signal });
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${host.name}`, listed);
  return listed.snapshots
    .filter(({ dataset: own, name, holds }) => own === dataset && holds > 0 && names?.includes(name) !== false)
    .map(({ name }) => `${dataset}@${name}`);
}

interface Looked {
  ends: TransferEnds;
  seen: ResolveObservation;
}

async function look(deps: Deps, input: ResolveRef, context: ActivityContext): Promise<Looked> {
  const { signal } = context;
  const fleet = await deps.fleetAt(input.fleet);
  const pair = await pairOf(deps, fleet, input, context);
  const ends = await transferEnds(deps, fleet, pair, signal);
  const [facts] = await observeReplicas(ends, pair, signal);
  if (facts === undefined) throw failure('Unexpected', `Nothing was seen of ${input.volume}.`);
  return { ends, seen: await seenOf(ends, pair, facts, input.name, signal) };
}

/** The one way on which that volume goes to that host. Fails as BadConfig where there is none, or more than one. */
async function pairOf(
  deps: Deps,
  fleet: Fleet,
  { volume, target, dataset }: ResolveRef,
  context: ActivityContext,
): Promise<ReplicaPair> {
  const scope = backupScope(fleet, undefined);
  const sources = await observeSources(deps, fleet, scope, context);
  const all = allPairs(scope, sources).flatMap((pair) =>
    pair.volumes.map((each) => ({ ...pair, volumes: [each], of: inProject(each) })),
  );
  const found = all.filter(
    (each) =>
      each.of === volume && each.target.member === target && (dataset === undefined || each.target.dataset === dataset),
  );
  const [one] = found;
  if (one === undefined) {
    const known = all.map(({ of, target: to }) => `${of} at ${placeOf(to)}`).join(', ');
    throw failure('BadConfig', `runbook.yaml has no replica of ${volume} on ${target}; it has ${known || 'none'}.`);
  }
  if (found.length > 1)
    throw failure(
      'BadConfig',
      `${volume} has several replicas on ${target}: ${found.map(({ target: to }) => to.dataset).join(', ')}. Name one: --dataset.`,
    );
  for (const host of [one.sender, target])
    if (sources.away[host] !== undefined)
      throw failure('Unreachable', `Both sides have to be seen, and ${host} does not answer: ${sources.away[host]}`);
  return one;
}

async function seenOf(
  ends: TransferEnds,
  pair: ReplicaPair,
  { volume, source, target, decision }: ReplicaFacts,
  run: string,
  signal: AbortSignal,
): Promise<ResolveObservation> {
  const { receiver } = ends;
  const common = target === undefined ? undefined : commonOf(target, decision.relation);
  const newer = target === undefined || common === undefined ? [] : after(target.snapshots, common);
  const root = pair.target.dataset;
  const aside = root.includes('/') ? `${root}-${replicaName(volume)}-${run}` : undefined;
  return {
    ...{
      volume: inProject(volume),
      place: placeOf(pair.target),
      receiver: receiver.name,
      replica: replicaOf(pair, volume),
    },
    ...(aside === undefined ? {} : { aside }),
    isThere: target !== undefined,
    relation: decision.relation.type,
    ...(decision.problem === undefined ? {} : { problem: decision.problem }),
    ...(common === undefined ? {} : { common: { name: common.name, guid: common.guid } }),
    lost: newer.length === 0 ? [] : await lostOf(ends, replicaOf(pair, volume), newer, signal),
    newerBookmarks:
      target === undefined || common === undefined ? [] : after(target.bookmarks, common).map(({ name }) => name),
    stay: (target?.snapshots.length ?? 0) - newer.length,
    writtenBytes: target?.writtenBytes ?? 0,
    usedBytes: target?.usedBytes ?? 0,
    sourceBytes: source.usedBytes,
    freeBytes: await freeOn(ends, root, signal),
  };
}

/** As the receiver calls it. */
function commonOf(target: DatasetFacts, relation: ReplicaFacts['decision']['relation']): SnapshotFact | undefined {
  switch (relation.type) {
    case 'up to date':
    case 'diverged':
      return relation.common;
    case 'incremental':
      return target.snapshots.find(({ guid }) => guid === relation.base.guid);
    case 'initial':
    case 'no base':
      return undefined;
  }
}

async function lostOf(
  ends: TransferEnds,
  replica: string,
  newer: readonly SnapshotFact[],
  signal: AbortSignal,
): Promise<LostSnapshot[]> {
  const { receiver } = ends;
  const found = await createZfsKept(receiver, { signal }).parts(replica);
  const parts: DatasetPart[] = found.type === 'parts' ? found.parts : [];
  if (found.type === 'unexpected') throw toolFailure(`zfs on ${receiver.name}`, found);
  const details = await zfsSnapshotDetails(receiver, replica, { signal });
  if (details.type !== 'snapshots') throw toolFailure(`zfs on ${receiver.name}`, details);
  const held = newer.map(({ name }) => `${replica}@${name}`);
  const holds = await createZfsReplication(receiver, { signal }).holds(held);
  if (holds.type !== 'holds') throw toolFailure(`zfs on ${receiver.name}`, holds);
  return newer.map(({ name, guid }) => {
    const full = `${replica}@${name}`;
    const more = details.snapshots.find((each) => each.dataset === replica && each.guid === guid);
    return {
      ...{ name, guid, createdAt: more?.createdAt ?? '', clones: more?.clones ?? [] },
      bytes: parts.find((part) => part.name === full)?.usedBytes ?? 0,
      holds: holds.holds.filter(({ snapshot, tag }) => snapshot === full && tag !== holdOf(ends)).map(({ tag }) => tag),
    };
  });
}

async function freeOn({ receiver }: TransferEnds, dataset: string, signal: AbortSignal): Promise<number> {
  const [name = ''] = dataset.split('/');
  const pool = await createZfs(receiver, { signal }).poolHealth(name);
  if (pool.type !== 'pool') throw toolFailure(`zpool on ${receiver.name}`, pool);
  return pool.free;
}
