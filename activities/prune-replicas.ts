import type { PrunedReplica, RunRef } from './contract.ts';
import type { ReplicaPair } from '../plan/nightly-backup.ts';
import { inProject } from '../plan/projects.ts';
import { planRetention, type RetentionDecision } from '../plan/retention.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { zfsSnapshotDetails, type SnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { observeReplicas, type ReplicaFacts } from './replica-facts.ts';
import { releaseOwn } from './replica-marks.ts';
import { transferEnds, type TransferEnds } from './transfer-way.ts';

/**
 * Destroys the snapshots of replicas that nothing asks for any more. It looks at both sides first: a replica that is not
 * where its source is, or whose source is not seen, loses nothing. Idempotent.
 */
export async function pruneReplicas(
  deps: Deps,
  { pair, ...run }: RunRef & { pair: ReplicaPair },
  { signal, report }: ActivityContext,
): Promise<PrunedReplica[]> {
  const ends = await transferEnds(deps, await deps.fleetAt(run.fleet), pair, signal);
  const facts = await observeReplicas(ends, pair, signal);
  await releaseOlder(ends, pair, facts, signal);
  const details = await detailsOn(ends, pair, signal);
  const zfs = createZfsReplication(ends.receiver, { signal });
  const pruned: PrunedReplica[] = [];
  for (const each of facts) {
    const { keep, destroy } = retentionOf(pair, each, details);
    report({ progress: `${each.decision.target}: ${destroy.length} of ${keep.length + destroy.length} go` });
    const names = destroy.map(({ name }) => name);
    const gone = await zfs.destroySnapshots(each.decision.target, names);
    if (gone.type !== 'destroyed') throw toolFailure(`zfs on ${ends.receiver.name}`, gone);
    pruned.push({
      volume: inProject(each.volume),
      destroyed: gone.destroyed.length,
      kept: keep.length + gone.kept.length,
      busy: gone.kept.map(({ message }) => message),
    });
  }
  return pruned;
}

async function detailsOn(
  { receiver }: TransferEnds,
  { target }: ReplicaPair,
  signal: AbortSignal,
): Promise<SnapshotDetails[]> {
  const listed = await zfsSnapshotDetails(receiver, target.dataset, { signal });
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${receiver.name}`, listed);
  return listed.snapshots;
}

function retentionOf(
  { sender, target: { keep } }: ReplicaPair,
  { decision, source }: ReplicaFacts,
  details: readonly SnapshotDetails[],
): RetentionDecision {
  const snapshots = details.filter(({ dataset }) => dataset === decision.target);
  const pairs = [{ with: `${source.name} on ${sender}`, relation: decision.relation }];
  return planRetention({ dataset: decision.target, snapshots, pairs }, keep, { now: new Date().toISOString() });
}

/** The receiver holds what the next transfer begins at; what earlier ones began at it holds no more. */
async function releaseOlder(
  ends: TransferEnds,
  pair: ReplicaPair,
  facts: readonly ReplicaFacts[],
  signal: AbortSignal,
): Promise<void> {
  const bases = new Set(facts.flatMap(({ decision: { target, relation } }) => baseOf(target, relation)));
  const settled = new Set([...bases].map((name) => name.split('@')[0]));
  const held = (await detailsOn(ends, pair, signal))
    .filter(({ dataset, holds }) => holds > 0 && settled.has(dataset))
    .map(({ dataset, name }) => `${dataset}@${name}`)
    .filter((name) => !bases.has(name));
  await releaseOwn(ends.receiver, ends, held, signal);
}

/** Only where both are together: else an older hold may be the only thing that they share. */
const baseOf = (target: string, relation: ReplicaFacts['decision']['relation']): string[] =>
  relation.type === 'up to date' ? [`${target}@${relation.common.name}`] : [];
