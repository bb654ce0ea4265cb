import { count } from '../../plan/count.ts';
import { placeOf, type BackupPlan, type ReplicaPair, type SnapshotGroup } from '../../plan/nightly-backup.ts';
import type { StepView } from '../../plan/run.ts';

/** Volumes of one activity: its answer and its memory are bounded by it. */
const BATCH = 50;
const SHOWN = 3;

const namesOf = (volumes: readonly { name: string }[]): string =>
  volumes.length <= SHOWN ? volumes.map(({ name }) => name).join(', ') : count(volumes.length, 'volume');

export const snapshotStep = ({ backup, guest, volumes, member }: SnapshotGroup) =>
  ({ id: `snapshot-${backup}`, phase: 'snapshot', member, title: `${namesOf(volumes)} of ${guest}` }) as const;

export const copyStep = (batch: ReplicaPair, part: number) =>
  ({
    id: `copy-${batch.id}${part === 0 ? '' : `-part-${part + 1}`}`,
    phase: 'copy',
    member: batch.sender,
    title: `${namesOf(batch.volumes)} to ${placeOf(batch.target)}`,
  }) as const;

export const pruneStep = (pair: ReplicaPair) =>
  ({
    id: `prune-${pair.id}`,
    phase: 'prune',
    member: pair.sender,
    title: `replicas at ${placeOf(pair.target)}`,
  }) as const;

/** The same way for at most so many volumes each. */
export function batchesOf(pair: ReplicaPair): ReplicaPair[] {
  const batches: ReplicaPair[] = [];
  for (let from = 0; from < pair.volumes.length; from += BATCH)
    batches.push({ ...pair, volumes: pair.volumes.slice(from, from + BATCH) });
  return batches;
}

/** In the order of their phases; those of several members go side by side. */
export const backupSteps = ({ groups, pairs }: BackupPlan): StepView[] =>
  [...groups.map(snapshotStep), ...pairs.flatMap((pair) => batchesOf(pair).map(copyStep)), ...pairs.map(pruneStep)].map(
    (step) => ({ ...step, state: 'pending' }),
  );
