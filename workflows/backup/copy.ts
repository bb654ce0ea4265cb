import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { RunRef } from '../../activities/contract.ts';
import type { BackupPolicy } from '../../fleet/schema.ts';
import { count } from '../../plan/count.ts';
import { durationMs } from '../../plan/duration.ts';
import { placeOf, type BackupPlan, type ReplicaPair, type SnapshotGroup } from '../../plan/nightly-backup.ts';
import { inProject } from '../../plan/projects.ts';
import type { CopyView } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import { activitiesFor } from '../support/activities.ts';
import { describeFailure } from '../support/failures.ts';
import { withLocks } from '../support/locks.ts';
import { LEARNS_WITHIN } from '../support/retries.ts';
import type { Run } from '../support/run.ts';
import { Slots } from '../support/slots.ts';
import { batchesOf, copyStep, pruneStep, snapshotStep } from './steps.ts';

/** The work itself and a host that goes away in the middle: not into the next night, which goes on from there. */
const COPY_WITHIN = '22h';
/** An upgrade that waits for a person is not to keep the night's other copies, nor the next night's. */
const LOCK_WITHIN = '6h';

/**
 * Every member by itself: snapshots while no upgrade is at work there, then its copies. What fails for one volume or place
 * is an outcome, and keeps no other from being copied. Throws only for a cancellation.
 */
export async function copyAll(run: Run, ref: RunRef, plan: BackupPlan, policy: BackupPolicy): Promise<void> {
  const slots = new Slots(policy.transfersPerHost);
  const members = new Set(plan.groups.map(({ member }) => member));
  for (const pair of plan.hindered) await stop(run, ref, pair);
  const each = await Promise.allSettled(
    [...members].map((member) => copyMember(run, ref, plan, { member, slots, policy })),
  );
  rethrow(each);
}

async function copyMember(
  run: Run,
  ref: RunRef,
  plan: BackupPlan,
  { member, ...bounds }: Bounds & { member: string },
): Promise<void> {
  const groups = plan.groups.filter((group) => group.member === member);
  const pairs = plan.pairs.filter(({ sender }) => sender === member);
  let failed: Problems;
  try {
    failed = await withLocks(run, [`member/${member}`], () => takeSnapshots(run, ref, groups), { within: LOCK_WITHIN });
  } catch (error) {
    if (isCancellation(error)) throw error;
    failed = new Map(groups.flatMap(({ volumes }) => volumes.map((each) => [inProject(each), describeFailure(error)])));
  }
  await settleAll(pairs.map((pair) => copyPair(run, ref, withoutFailed(run, pair, failed), bounds)));
}

/** By volume, as people read it. */
type Problems = ReadonlyMap<string, CopyView['problem']>;

/** All of them come to rest first: a cancelled one stops its transfer. */
async function settleAll(all: readonly Promise<void>[]): Promise<void> {
  rethrow(await Promise.allSettled(all));
}

function rethrow(all: readonly PromiseSettledResult<void>[]): void {
  for (const each of all) if (each.status === 'rejected') throw each.reason;
}

/** Guests one after another. Those that failed, and why. */
async function takeSnapshots(run: Run, ref: RunRef, groups: readonly SnapshotGroup[]): Promise<Problems> {
  const failed = new Map<string, CopyView['problem']>();
  const takenAt = new Date().toISOString();
  for (const group of groups)
    try {
      await run.step(
        { ...snapshotStep(group), kind: 'act', within: '1h' },
        (act) => act.snapshotGroup({ ...ref, group, takenAt }),
        ({ made, already }) =>
          made > 0
            ? { state: 'done', detail: count(made, 'snapshot') }
            : { state: 'already', detail: `${already} are there` },
      );
    } catch (error) {
      if (isCancellation(error)) throw error;
      for (const volume of group.volumes) failed.set(inProject(volume), describeFailure(error));
    }
  return failed;
}

/** Older snapshots are not sent in place of one that could not be made: that would look like a backup. */
function withoutFailed(run: Run, pair: ReplicaPair, failed: Problems): ReplicaPair {
  const place = placeOf(pair.target);
  const missing = pair.volumes.flatMap((volume): CopyView[] => {
    const problem = failed.get(inProject(volume));
    return problem === undefined ? [] : [{ volume: inProject(volume), place, outcome: 'failed', problem }];
  });
  if (missing.length > 0) run.copied(missing);
  return { ...pair, volumes: pair.volumes.filter((volume) => !failed.has(inProject(volume))) };
}

interface Bounds {
  slots: Slots;
  policy: BackupPolicy;
}

async function copyPair(run: Run, ref: RunRef, pair: ReplicaPair, { slots, policy }: Bounds): Promise<void> {
  const hosts = [pair.sender, pair.target.member];
  const copies: CopyView[] = [];
  for (const [part, batch] of batchesOf(pair).entries())
    copies.push(...(await slots.with(hosts, () => copyBatch(run, ref, batch, { part, policy }))));
  const there = pair.volumes.filter((volume) =>
    copies.some((copy) => copy.volume === inProject(volume) && copy.outcome !== 'failed'),
  );
  if (there.length > 0) await prune(run, ref, { ...pair, volumes: there });
}

async function copyBatch(
  run: Run,
  ref: RunRef,
  pair: ReplicaPair,
  { part, policy }: { part: number; policy: BackupPolicy },
): Promise<CopyView[]> {
  const step = { ...copyStep(pair, part), kind: 'long', within: COPY_WITHIN } as const;
  let copies: CopyView[];
  try {
    copies = await run.step(
      step,
      (act) => act.replicate({ ...ref, pair, stallMs: durationMs(policy.stallTimeout) }),
      (all) => ({ state: 'done', detail: sumOf(all) }),
    );
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      if (!isCancellation(error)) await sleep(LEARNS_WITHIN);
      await stop(run, ref, pair);
    });
    if (isCancellation(error)) throw error;
    const problem = describeFailure(error);
    copies = pair.volumes.map((volume) => ({
      ...{ volume: inProject(volume), place: placeOf(pair.target), outcome: 'failed', problem },
    }));
  }
  run.copied(copies);
  return copies;
}

/** `2 copied, 1 up to date` */
function sumOf(copies: readonly CopyView[]): string {
  const words = (['copied', 'up to date', 'failed'] as const).flatMap((outcome) => {
    const number = copies.filter((copy) => copy.outcome === outcome).length;
    return number === 0 ? [] : [`${number} ${outcome}`];
  });
  return words.join(', ');
}

/** Nothing is to be at work, nor held on the sender, when nobody watches any more. */
async function stop(run: Run, ref: RunRef, pair: ReplicaPair): Promise<void> {
  try {
    const { id, title } = copyStep(pair, 0);
    await activitiesFor({ id: `stop-${id}`, phase: 'copy', title, kind: 'rollBack' }).stopTransfer({ ...ref, pair });
  } catch (error) {
    run.warn(
      `The transfer from ${pair.sender} to ${placeOf(pair.target)} may be at work still: ${describeFailure(error).message}`,
    );
  }
}

/** What could not be pruned costs space, and no copy. */
async function prune(run: Run, ref: RunRef, pair: ReplicaPair): Promise<void> {
  try {
    const pruned = await run.step(
      { ...pruneStep(pair), kind: 'act', within: '1h' },
      (act) => act.pruneReplicas({ ...ref, pair }),
      (all) => {
        const gone = all.reduce((sum, { destroyed }) => sum + destroyed, 0);
        return gone === 0
          ? { state: 'already', detail: 'nothing to destroy' }
          : { state: 'done', detail: `${count(gone, 'snapshot')} destroyed` };
      },
    );
    for (const { volume, busy } of pruned)
      for (const why of busy) run.warn(`A snapshot of ${volume} stays at ${placeOf(pair.target)}: ${asSentence(why)}`);
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.warn(`Replicas at ${placeOf(pair.target)} were not pruned: ${asSentence(describeFailure(error).message)}`);
  }
}
