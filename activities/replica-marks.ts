import type { Host } from '../hosts/host.ts';
import type { ReplicaPair } from '../plan/nightly-backup.ts';
import type { TransferStep } from '../plan/replication.ts';
import { createZfsReplication } from '../tools/zfs-replication.ts';
import { zfsSnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import { toolFailure, type ToolProblem } from './failure.ts';
import { parentOf, type ReplicaFacts } from './replica-facts.ts';
import type { TransferEnds } from './transfer-way.ts';

/** Holds and bookmarks that keep what the next transfer begins at. */

export const holdOf = ({ targetId }: Pick<TransferEnds, 'targetId'>): string => `runbook:${targetId}`;

const cursorPrefix = ({ targetId }: Pick<TransferEnds, 'targetId'>): string => `runbook-${targetId}-`;

/** On the sender for as long as it sends: a hold there stops Incus from removing what has expired, of all instances. */
export async function protectSteps(
  ends: Pick<TransferEnds, 'sender' | 'targetId'>,
  steps: readonly TransferStep[],
  signal: AbortSignal,
): Promise<string[]> {
  const snapshots = steps.flatMap(({ source, from, to }) => [
    ...(from?.kind === 'snapshot' ? [`${source}@${from.name}`] : []),
    `${source}@${to.name}`,
  ]);
  const all = [...new Set(snapshots)];
  known(ends.sender, await createZfsReplication(ends.sender, { signal }).hold(holdOf(ends), all), 'held');
  return all;
}

/** What a run that was killed has left held on the sender, of this place. */
export async function releaseLeaked(
  ends: Pick<TransferEnds, 'sender' | 'targetId'>,
  { volumes }: ReplicaPair,
  signal: AbortSignal,
): Promise<void> {
  const own = new Set(volumes.flatMap(({ dataset }) => dataset ?? []));
  for (const root of new Set([...own].map(parentOf))) {
    const { snapshots } = known(ends.sender, await zfsSnapshotDetails(ends.sender, root, { signal }), 'snapshots');
    const held = snapshots
      .filter(({ dataset, holds }) => holds > 0 && own.has(dataset))
      .map(({ dataset, name }) => `${dataset}@${name}`);
    await releaseOwn(ends.sender, ends, held, signal);
  }
}

/** Of snapshots that somebody holds, by their full names. Idempotent. */
export async function releaseOwn(
  host: Host,
  ends: Pick<TransferEnds, 'targetId'>,
  held: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (held.length === 0) return;
  const zfs = createZfsReplication(host, { signal });
  const { holds } = known(host, await zfs.holds(held), 'holds');
  const ours = holds.filter(({ tag }) => tag === holdOf(ends)).map(({ snapshot }) => snapshot);
  if (ours.length > 0) known(host, await zfs.release(holdOf(ends), ours), 'released');
}

/**
 * Both sides keep what they have in common: the receiver holds it, then the sender bookmarks it, and only then its older
 * bookmarks go. Idempotent: a bookmark that is there says that the hold is.
 */
export async function rememberCommon(
  ends: Pick<TransferEnds, 'sender' | 'receiver' | 'targetId'>,
  facts: readonly ReplicaFacts[],
  signal: AbortSignal,
): Promise<void> {
  const fresh = facts.flatMap((each) => {
    const common = commonOf(each);
    const cursor = common && `${cursorPrefix(ends)}${BigInt(common.guid).toString(16)}`;
    if (common === undefined || cursor === undefined) return [];
    if (each.source.bookmarks.some(({ name }) => name === cursor)) return [];
    return [{ ...each, common, cursor }];
  });
  if (fresh.length === 0) return;
  const held = fresh.map(({ decision, common }) => `${decision.target}@${common.onTarget}`);
  known(ends.receiver, await createZfsReplication(ends.receiver, { signal }).hold(holdOf(ends), held), 'held');
  const zfs = createZfsReplication(ends.sender, { signal });
  for (const { source, common, cursor } of fresh) {
    const made = await zfs.bookmark(source.name, common.onSource, cursor);
    // It has expired since it was seen: the older mark stays.
    if (made.type === 'not found') continue;
    if (made.type !== 'made' && made.type !== 'exists') throw zfsFailure(ends.sender, made);
    for (const { name } of source.bookmarks.filter(({ name }) => name.startsWith(cursorPrefix(ends))))
      if (name !== cursor) {
        const gone = await zfs.destroyBookmark(source.name, name);
        if (gone.type === 'unexpected') throw zfsFailure(ends.sender, gone);
      }
  }
}

/** The newest snapshot that both have, where the sender still has it as one. */
function commonOf({ source, target }: ReplicaFacts): { guid: string; onSource: string; onTarget: string } | undefined {
  for (const received of target?.snapshots.toReversed() ?? []) {
    const sent = source.snapshots.find(({ guid }) => guid === received.guid);
    if (sent !== undefined) return { guid: sent.guid, onSource: sent.name, onTarget: received.name };
  }
  return undefined;
}

function known<A extends { type: string }, T extends A['type']>(
  host: Host,
  answer: A,
  type: T,
): Extract<A, { type: T }> {
  if (answer.type === type) return answer as Extract<A, { type: T }>;
  throw zfsFailure(host, answer as unknown as ToolProblem);
}

const zfsFailure = (host: Host, problem: ToolProblem): Error => toolFailure(`zfs on ${host.name}`, problem);
