import { ageOf, formatAge } from './duration.ts';
import type { Problem } from './problem.ts';
import { asSentence } from './sentence.ts';

/** How old the copies are. That a run ended well proves nothing: what counts is what is seen where the copy is. */

/** From best to worst. `incomplete`: a part is missing; `failed`: nobody can say, or the next copy cannot be made; `never`: none. */
const OUTCOMES = ['fresh', 'stale', 'incomplete', 'failed', 'never'] as const;
export type CopyOutcome = (typeof OUTCOMES)[number];

/** What was seen of one thing at one place. */
export interface CopySeen {
  /** A dataset, or what of a guest a repository has. */
  of: string;
  /** `nuc-2 tank/replicas`, `restic rest:https://backup.lan/edge` */
  place: string;
  newest:
    /**
     * ISO 8601, as the place has it. Of a replica: when the newest snapshot on the receiver was made that its source has as well,
     * by GUID (`newestCommon`); where the source cannot be seen, the newest that was sent.
     */
    | { type: 'copy'; at: string }
    | { type: 'none' }
    /** The place could not be looked at; `problem` says why. */
    | { type: 'unseen' };
  /** What of the latest backup is not in it, for people: `2 of 3 snapshots`, `files that could not be read`. */
  missing?: string;
  problem?: Problem;
}

/** Whether a restore of it was ever tried out, and how it ended. `isOld`: longer ago than `policies.backup.drill.maxAge`. */
export type ProofView =
  | { type: 'never' }
  | { type: 'failed'; at: string; ageMs: number; words: string }
  | {
      type: 'proven';
      at: string;
      ageMs: number;
      isOld: boolean;
      /** When the snapshot was made that was restored. */
      snapshotAt: string;
      words: string;
      /** Of the restore. */
      bytes?: number;
      seconds?: number;
    };

export interface JudgedCopy extends CopySeen {
  outcome: CopyOutcome;
  /** Absent where nobody can say. */
  proof?: ProofView;
  /** Absent where it is not known. */
  ageMs?: number;
  /** Sentences. */
  why: string;
}

interface Limit {
  /** ISO 8601. */
  now: string;
  maxAgeMs: number;
}

/** Clocks of one fleet differ by less; by more, a date says nothing of an age. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Pure. */
export function judgeCopy(seen: CopySeen, limit: Limit): JudgedCopy {
  const { newest, missing, problem } = seen;
  if (newest.type === 'unseen') return judged(seen, 'failed', problem?.message ?? 'It could not be looked at');
  if (newest.type === 'none') return judged(seen, 'never', problem?.message ?? 'There is no copy');
  const age = ageOf(newest.at, limit.now);
  const ageMs = age >= -CLOCK_SKEW_MS ? Math.max(0, age) : undefined;
  const words =
    ageMs === undefined ? `It is dated ${newest.at}, so its age is not known` : `It is ${formatAge(ageMs)} old`;
  const dated = (outcome: CopyOutcome, ...first: string[]): JudgedCopy => ({
    ...judged(seen, outcome, ...first, words),
    ...(ageMs === undefined ? {} : { ageMs }),
  });
  if (problem !== undefined) return dated('failed', problem.message);
  if (missing !== undefined) return dated('incomplete', `Missing: ${missing}`);
  if (ageMs === undefined) return dated('stale');
  return ageMs > limit.maxAgeMs ? dated('stale', `At most ${formatAge(limit.maxAgeMs)} is allowed`) : dated('fresh');
}

const judged = (seen: CopySeen, outcome: CopyOutcome, ...sentences: string[]): JudgedCopy => ({
  ...seen,
  outcome,
  why: sentences.map(asSentence).join(' '),
});

/** Of a run, or of all copies. Where there is nothing to judge, nothing was ever copied. */
export function worstOf(copies: readonly Pick<JudgedCopy, 'outcome'>[]): CopyOutcome {
  const worst = Math.max(...copies.map(({ outcome }) => OUTCOMES.indexOf(outcome)));
  return OUTCOMES[worst] ?? 'never';
}

/** One line for people. */
export const describeCopy = ({ of, place, outcome, why }: JudgedCopy): string =>
  `${of} at ${place}: ${outcome}. ${why}`;
