import type { Host } from '../hosts/host.ts';
import type { Fleet } from '../fleet/schema.ts';
import { allPairs, placeOf, type BackupScope, type ReplicaPair, type SourceVolume } from '../plan/nightly-backup.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import type { DatasetFacts } from '../plan/replication.ts';
import type { CopyProof, DrillCopy } from '../plan/restore-drill.ts';
import { zfsProofs } from '../tools/zfs-proof.ts';
import { zfsSnapshotDetails, type SnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import { estimateTransfer, type Transfer } from '../tools/zfs-transfer.ts';
import { createZfs } from '../tools/zfs.ts';
import type { RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { usedBy } from './kept.ts';
import { observeSources, type ObservedSources } from './observe-backup.ts';
import { orTypedProblem } from './or-problem.ts';
import { observeReplicas, replicaOf, type ReplicaFacts } from './replica-facts.ts';

/** In the zpool of the volume, where the fleet file names none. */
const SCRATCH = 'runbook-drill';

/** As a restore sends what is not encrypted. */
export const DRILL_FLAGS: Transfer['flags'] = { raw: false, compressed: true, largeBlocks: true };

/** Every replica, what proves it, and whether it can be restored where its source is. Changes nothing. */
export async function observeDrill(
  deps: Deps,
  { scope, fleet: ref }: Pick<RunRef, 'fleet'> & { scope: BackupScope },
  context: ActivityContext,
): Promise<DrillCopy[]> {
  const { signal, report } = context;
  const fleet = await deps.fleetAt(ref);
  const sources = await observeSources(deps, fleet, scope, context);
  const copies: DrillCopy[] = [];
  for (const pair of allPairs(scope, sources)) {
    report({ progress: `replicas on ${pair.target.member}` });
    const of = { scope, sources, pair };
    const away = [pair.sender, pair.target.member].find((host) => sources.away[host] !== undefined);
    const seen =
      away === undefined
        ? await orTypedProblem(() => observePair(deps, fleet, of, signal), signal)
        : { type: 'problem' as const, problem: unreachable(away, sources.away[away] ?? '') };
    copies.push(
      ...(seen.type === 'value' ? seen.value : pair.volumes.map((volume, at) => unseen(of, volume, at, seen.problem))),
    );
  }
  return copies;
}

const unreachable = (host: string, why: string): Problem => problemOf('Unreachable', `${host} does not answer: ${why}`);

interface OfPair {
  scope: BackupScope;
  sources: ObservedSources;
  pair: ReplicaPair;
}

const unseen = (of: OfPair, volume: SourceVolume, at: number, problem: Problem): DrillCopy => ({
  ...common(of, volume, at),
  ...{ bytes: 0, freeBytes: 0, problem },
});

function common({ scope, sources, pair }: OfPair, volume: SourceVolume, at: number) {
  const { backups, policy } = scope;
  const entry = sources.selection.selected.find(
    ({ backup, volume: each }) =>
      each.name === volume.name &&
      each.project === volume.project &&
      each.member === pair.sender &&
      backups[backup]?.to.some((target) => target.type === 'zfs' && placeOf(target) === placeOf(pair.target)) === true,
  )?.backup;
  const { files, check, timeout = '10m' } = backups[entry ?? '']?.drill ?? {};
  const [zpool = ''] = (volume.dataset ?? '').split('/');
  return {
    ...{ id: `${pair.id}-${at + 1}`, volume: inProject(volume), place: placeOf(pair.target) },
    pair: { ...pair, volumes: [volume] },
    scratch: policy.drill.scratch ?? `${zpool}/${SCRATCH}`,
    ...(files === undefined ? {} : { files }),
    ...(check === undefined ? {} : { check: { argv: check, timeout } }),
  };
}

async function observePair({ machines }: Deps, fleet: Fleet, of: OfPair, signal: AbortSignal): Promise<DrillCopy[]> {
  const { pair, scope } = of;
  const sender = machines.member(fleet, pair.sender);
  const receiver = machines.receiver(fleet, pair.target.member);
  const onZfs = { ...pair, volumes: pair.volumes.filter(({ dataset }) => dataset !== undefined) };
  const facts = await observeReplicas({ sender, receiver }, onZfs, signal);
  const listed = await zfsSnapshotDetails(receiver, pair.target.dataset, { signal });
  const details = listed.type === 'snapshots' ? listed.snapshots : [];
  if (listed.type === 'unexpected') throw toolFailure(`zfs on ${receiver.name}`, listed);
  const proofs = await zfsProofs(receiver, { signal });
  if (proofs.type !== 'proofs') throw toolFailure(`zfs on ${receiver.name}`, proofs);
  const used = await usedBy(sender, signal);
  const { pools } = await poolsOf(sender, signal);
  const copies: DrillCopy[] = [];
  for (const [at, volume] of pair.volumes.entries()) {
    const own = common(of, volume, at);
    const seen = facts.find((each) => each.volume === volume);
    const pool = pools.find(({ name }) => name === own.scratch.split('/')[0]);
    const room = pool === undefined ? 0 : pool.free - (pool.size * scope.policy.minFreeSpace) / 100;
    const proof = proofs.proofs.get(replicaOf(pair, volume));
    const snapshot = seen && newestOfBoth(seen, details);
    const problem = whyNot(own.scratch, seen, pool !== undefined, used);
    copies.push({
      ...own,
      ...{ bytes: problem === undefined ? await bytesOf(receiver, seen, snapshot, signal) : 0, freeBytes: room },
      ...(proof === undefined ? {} : { proof: proof satisfies CopyProof }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(problem === undefined ? {} : { problem }),
    });
  }
  return copies;
}

/** Of that one snapshot; where ZFS gives no size, of all that the copy has. */
async function bytesOf(
  receiver: Host,
  seen: ReplicaFacts | undefined,
  snapshot: DrillCopy['snapshot'],
  signal: AbortSignal,
): Promise<number> {
  if (seen?.target === undefined || snapshot === undefined) return 0;
  const sent = { source: seen.target.name, to: { name: snapshot.onCopy }, flags: DRILL_FLAGS };
  const size = await estimateTransfer(receiver, sent, { signal });
  return size.type === 'size' ? size.bytes : seen.target.usedBytes;
}

async function poolsOf(host: Parameters<typeof createZfs>[0], signal: AbortSignal) {
  const found = await createZfs(host, { signal }).pools();
  if (found.type !== 'pools') throw toolFailure(`zpool on ${host.name}`, found);
  return found;
}

/** Only a snapshot can be shown: a bookmark has no data. */
function newestOfBoth(
  { source, target, decision }: ReplicaFacts,
  details: readonly SnapshotDetails[],
): DrillCopy['snapshot'] {
  for (const received of target?.snapshots.toReversed() ?? []) {
    const sent = source.snapshots.find(({ guid }) => guid === received.guid);
    const more = details.find(({ dataset, guid }) => dataset === decision.target && guid === received.guid);
    if (sent !== undefined && more !== undefined)
      return {
        onSource: sent.name,
        onCopy: received.name,
        guid: sent.guid,
        createdAt: more.createdAt,
        createtxg: received.createtxg,
      };
  }
  return undefined;
}

const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

function whyNot(
  scratch: string,
  seen: ReplicaFacts | undefined,
  hasPool: boolean,
  used: Awaited<ReturnType<typeof usedBy>>,
): Problem | undefined {
  if (seen === undefined) return problemOf('NotProvable', 'its source is not on ZFS.');
  const { target, source, decision } = seen;
  if (target === undefined) return problemOf('NotProvable', `there is no ${decision.target} yet.`);
  const kind = whyNotThis(target, source);
  if (kind !== undefined) return problemOf('NotProvable', kind);
  if (!hasPool) return problemOf('BadConfig', `there is no zpool for ${scratch} (policies.backup.drill.scratch).`);
  if (used === undefined) return problemOf('NotProvable', 'the Incus of its member cannot be asked what is its own.');
  const own = used.find(({ dataset }) => isWithin(scratch, dataset) || isWithin(dataset, scratch));
  return own === undefined
    ? undefined
    : problemOf(
        'BadConfig',
        `${scratch} is not apart from ${own.dataset}, which is Incus’s (${own.use}): declare policies.backup.drill.scratch.`,
      );
}

function whyNotThis(target: DatasetFacts, source: DatasetFacts): string | undefined {
  if (target.kind === 'volume') return 'it is a block volume, and only file systems are compared.';
  if (target.encrypted) return 'it is encrypted and was sent raw, and a drill loads no keys.';
  if (!source.keyLoaded) return 'the key of its source is not loaded.';
  return undefined;
}
