import type { ReplicaPair } from '../plan/nightly-backup.ts';
import { zfsSnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import { toolFailure } from './failure.ts';
import type { ReplicaFacts } from './replica-facts.ts';
import type { TransferEnds } from './transfer-way.ts';

/** When the newest snapshot was made that both sides have, as the receiver has it; by the replica's name. */
export async function newestCommonAt(
  { receiver }: Pick<TransferEnds, 'receiver'>,
  { target }: ReplicaPair,
  facts: readonly ReplicaFacts[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const listed = await zfsSnapshotDetails(receiver, target.dataset, { signal });
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${receiver.name}`, listed);
  const sent = new Map(
    facts.map(({ decision, source }) => [decision.target, new Set(source.snapshots.map(({ guid }) => guid))]),
  );
  const newest = new Map<string, string>();
  for (const { dataset, guid, createdAt } of listed.snapshots)
    if (sent.get(dataset)?.has(guid) === true && createdAt >= (newest.get(dataset) ?? ''))
      newest.set(dataset, createdAt);
  return newest;
}
