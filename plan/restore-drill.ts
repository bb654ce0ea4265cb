import { count } from './count.ts';
import { ageOf, formatAge } from './duration.ts';
import { FAILURES, type FailureType } from './failures.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { ReplicaPair } from './nightly-backup.ts';
import { problemOf, type Problem } from './problem.ts';
import { formatBytes } from './bytes.ts';
import type { StepView } from './run.ts';

/** What restore-drill finds, and what it makes of it. Plain data, small enough for a history. */

/** What is written down of a copy where it is: that it was restored and found to be what its source was, or that it was not. */
export interface CopyProof {
  outcome: 'proven' | 'failed';
  /** When, of which snapshot, and when that was made: ISO 8601. */
  at: string;
  guid: string;
  snapshotAt: string;
  words: string;
  /** Of the restore, where it was of one piece. */
  bytes?: number | undefined;
  seconds?: number | undefined;
}

/** One copy that a drill could restore. */
export interface DrillCopy {
  /** Short and unique in the run. */
  id: string;
  /** `edge-data`, `work/edge-data` */
  volume: string;
  /** `nuc-1 tank/replicas` */
  place: string;
  /** With this volume alone. */
  pair: ReplicaPair;
  proof?: CopyProof;
  /** The newest one that is on both sides: only that can be compared with its source. */
  snapshot?: { onSource: string; onCopy: string; guid: string; createdAt: string; createtxg: string };
  /** Of that snapshot, and what the zpool has for it on the member that it is restored to. */
  bytes: number;
  freeBytes: number;
  /** The dataset there that it is restored into, under a name of the run. */
  scratch: string;
  /** The content of so many files; of all without it. */
  files?: number;
  check?: { argv: string[]; timeout: string };
  /** Why it cannot be proven. */
  problem?: Problem;
}

export interface DrillPlan {
  gates: GateOf<'copies' | 'provable'>[];
  refusals: GateOf<'copies' | 'provable'>[];
  /** In the order in which they are restored. */
  chosen: DrillCopy[];
  /** And why. */
  notProvable: { copy: DrillCopy; problem: Problem }[];
  /** That have their turn another time. */
  later: number;
}

const { passed, refused, warning } = gateWords<'copies' | 'provable'>();

/**
 * Those that were never tried first, then those whose last try is oldest, whatever came of it: none keeps its turn from the
 * others by being wrong. What cannot be proven takes nobody's turn. Pure.
 */
export function planDrill(copies: readonly DrillCopy[], { most }: { most: number }): DrillPlan {
  const judged = copies.map((copy) => ({ copy, problem: problemFor(copy) }));
  const notProvable = judged.flatMap(({ copy, problem }) => (problem === undefined ? [] : [{ copy, problem }]));
  const provable = judged.filter(({ problem }) => problem === undefined).map(({ copy }) => copy);
  const inTurn = provable.toSorted(byLastTry);
  const chosen = inTurn.slice(0, most);
  const gates = [
    copies.length === 0
      ? refused('copies', 'There is no replica to restore.', 'Declare a place of type zfs in backups.')
      : passed('copies', count(copies.length, 'replica')),
    ...notProvable.map(({ copy, problem }) =>
      warning('provable', `${copy.volume} at ${copy.place} cannot be proven: ${problem.message}`, problem.whatToDo),
    ),
    ...(copies.length > 0 && chosen.length === 0
      ? [refused('provable', 'No copy can be proven.', 'See the warnings: each says why.')]
      : []),
  ];
  const refusals = gates.filter(({ verdict }) => verdict === 'refused');
  return { gates, refusals, chosen, notProvable, later: provable.length - chosen.length };
}

function byLastTry(a: DrillCopy, b: DrillCopy): number {
  const [first = '', second = ''] = [a.proof?.at, b.proof?.at];
  return first === second ? 0 : first < second ? -1 : 1;
}

function problemFor({ problem, snapshot, bytes, freeBytes, scratch, volume }: DrillCopy): Problem | undefined {
  if (problem !== undefined) return problem;
  if (snapshot === undefined)
    return problemOf(
      'NotProvable',
      'no snapshot of it is on both sides any more, so there is nothing to compare it with.',
    );
  if (bytes > freeBytes)
    return problemOf(
      'NoSpace',
      `${volume} takes ${formatBytes(bytes)}, and ${formatBytes(Math.max(0, freeBytes))} may come to ${scratch} (policies.backup.minFreeSpace).`,
    );
  return undefined;
}

/** Whether a try that ended so says nothing of the copy, as another one may go well. */
export const isPassing = (type: FailureType): boolean =>
  FAILURES[type].retryable || type === 'NoSpace' || type === 'Cancelled';

/** The steps of one copy, in their order. */
export const DRILL_STEPS = [
  ['restore', 'copy'],
  ['compare', 'verify'],
  ['clean', 'clean up'],
  ['prove', 'save'],
] as const;

export type DrillStep = (typeof DRILL_STEPS)[number][0];

export function drillStep(
  copy: Pick<DrillCopy, 'id' | 'volume' | 'place' | 'pair' | 'check' | 'proof'>,
  step: DrillStep,
) {
  const phase = DRILL_STEPS.find(([name]) => name === step)?.[1] ?? 'verify';
  const titles: Record<DrillStep, string> = {
    restore: `${copy.volume} from ${copy.place} to ${copy.pair.sender}`,
    compare: `${copy.volume} with its source${copy.check === undefined ? '' : ', and its check'}`,
    clean: `what was restored of ${copy.volume}`,
    prove: `${copy.volume} at ${copy.place} is proven`,
  };
  return { id: `${step}-${copy.id}`, phase, member: copy.pair.sender, title: titles[step] } as const;
}

export const drillSteps = (chosen: readonly DrillCopy[], now: string): StepView[] =>
  chosen.flatMap((copy) =>
    DRILL_STEPS.map(([step]): StepView => ({
      ...drillStep(copy, step),
      state: 'pending',
      ...(step === 'restore' ? { detail: whyInTurn(copy, now) } : {}),
    })),
  );

/** Why it has its turn: `never proven`, `proven 31 d ago`, `failed 31 d ago`. */
export function whyInTurn({ proof }: DrillCopy, now: string): string {
  if (proof === undefined) return 'never proven';
  const age = formatAge(ageOf(proof.at, now));
  return proof.outcome === 'proven' ? `proven ${age} ago` : `failed ${age} ago`;
}

/** `a real restore would take about 12 s (1.2 GiB)` */
export function restoreWords({ bytes, seconds }: { bytes?: number | undefined; seconds?: number | undefined }): string {
  if (seconds === undefined) return 'how long a real restore takes was not measured: it was interrupted';
  const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
  return `a real restore would take about ${formatAge(Math.max(1, seconds) * 1000)}${size}`;
}
