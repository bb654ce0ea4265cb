import type { Host } from '../hosts/host.ts';
import type { ReplicaPair } from '../plan/nightly-backup.ts';
import { zfsSnapshotDetails, type SnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import { toolFailure } from './failure.ts';
import type { ReplicaFacts } from './replica-facts.ts';
import type { TransferEnds } from './transfer-way.ts';

/** When the newest snapshot was made that both sides have, as the receiver has it; by the replica's name. */
export async function newestCommonAt(
  { receiver }: Pick<TransferEnds, 'receiver'>,
  pair: ReplicaPair,
  facts: readonly ReplicaFacts[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const sent = new Map(
    facts.map(({ decision, source }) => [
      decision.target,
      new Set([...source.snapshots, ...source.bookmarks].map(({ guid }) => guid)),
    ]),
  );
  return newest(await detailsOf(receiver, pair, signal), ({ dataset, guid }) => sent.get(dataset)?.has(guid) === true);
}

/** The same where the sender cannot be asked: of the newest snapshot there. */
export const newestAt = async (receiver: Host, pair: ReplicaPair, signal: AbortSignal): Promise<Map<string, string>> =>
  newest(await detailsOf(receiver, pair, signal), () => true);

/** None where the place of the replicas is not there yet. */
async function detailsOf(host: Host, { target }: ReplicaPair, signal: AbortSignal): Promise<SnapshotDetails[]> {
  const listed = await zfsSnapshotDetails(host, target.dataset, { signal });
  if (listed.type === 'not found') return [];
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${host.name}`, listed);
  return listed.snapshots;
}

function newest(
  snapshots: readonly SnapshotDetails[],
  counts: (snapshot: SnapshotDetails) => boolean,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const snapshot of snapshots)
    if (counts(snapshot) && snapshot.createdAt >= (found.get(snapshot.dataset) ?? ''))
      found.set(snapshot.dataset, snapshot.createdAt);
  return found;
}
