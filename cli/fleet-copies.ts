import type { BackupsView } from '../plan/backups-view.ts';
import type { CopyOutcome } from '../plan/copy-age.ts';
import type { CopyView } from '../plan/run.ts';

/** What a closed run said of copies. */
export interface CopiesTold {
  workflowId: string;
  runbook: string;
  /** ISO 8601: when it ended. */
  at: string;
  copies: readonly CopyView[];
}

/** `unseen`: no run that was read has proven it; an older one may have. `never`: its place was looked at. */
export type ProofSeen =
  | { type: 'never' | 'unseen' | 'unknown' }
  | { type: 'failed'; at: string }
  /** `isOld`: longer ago than the fleet file allows. Only a look tells. */
  | { type: 'proven'; at: string; isOld?: true };

/** One volume or path at one of its places. Its JSON is documented in docs/cli.md. */
export interface CopySeen {
  of: string;
  place: string;
  /** ISO 8601: of what the newest copy was made. */
  newestAt?: string;
  proof: ProofSeen;
  /** Where its place was looked at. */
  outcome?: CopyOutcome;
  /** Why the last attempt to make it failed. */
  problem?: string;
}

export interface CopiesSeen {
  /** `look`: at the copies themselves. `runs`: what the newest runs saw. */
  from: 'look' | 'runs';
  copies: CopySeen[];
  /** Why there was no look, though one was asked for. */
  problem?: string;
}

const BACKUP = 'nightly-backup';
const DRILL = 'restore-drill';
/** The runbooks whose results tell of copies. */
export const COPY_RUNBOOKS: readonly string[] = [BACKUP, DRILL];

const keyOf = ({ volume, place }: Pick<CopyView, 'volume' | 'place'>): string => `${volume}\n${place}`;

/** What runs say, the newest word of each: of copies that are still made. Pure. */
export function copiesOfRuns(told: readonly CopiesTold[]): CopySeen[] {
  const newestFirst = [...told].sort((a, b) => b.at.localeCompare(a.at));
  const nights = newestFirst.filter(({ runbook, copies }) => runbook === BACKUP && copies.length > 0);
  const drills = newestFirst.filter(({ runbook }) => runbook === DRILL);
  return stillMade(nights).map(({ volume, place }) => {
    const key = keyOf({ volume, place });
    const tries = nights.flatMap(({ copies }) => copies.filter((copy) => keyOf(copy) === key));
    const newestAt = newest(tries.flatMap((copy) => copy.newestAt ?? []));
    const problem = tries[0]?.outcome === 'failed' ? (tries[0].problem?.message ?? tries[0].detail) : undefined;
    return {
      ...{ of: volume, place, proof: proofOf(key, drills) },
      ...(newestAt === undefined ? {} : { newestAt }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

/** Those of the newest run of everything, and of runs of single entries after it. */
function stillMade(nights: readonly CopiesTold[]): CopyView[] {
  const whole = nights.findIndex(({ workflowId }) => workflowId === `${BACKUP}/all`);
  const counting = whole === -1 ? nights : nights.slice(0, whole + 1);
  const found = new Map<string, CopyView>();
  for (const copy of counting.flatMap(({ copies }) => copies))
    if (!found.has(keyOf(copy))) found.set(keyOf(copy), copy);
  return [...found.values()].sort((a, b) => a.volume.localeCompare(b.volume) || a.place.localeCompare(b.place));
}

function proofOf(key: string, drills: readonly CopiesTold[]): ProofSeen {
  for (const { at, copies } of drills) {
    const tried = copies.find((copy) => keyOf(copy) === key);
    if (tried?.outcome === 'proven' || tried?.outcome === 'failed') return { type: tried.outcome, at };
  }
  return { type: 'unseen' };
}

/** The same of what a worker saw where the copies are. Pure. */
export const copiesOfLook = ({ copies }: BackupsView): CopySeen[] =>
  copies.map(({ of, place, newest: copy, proof, outcome, problem, why }) => ({
    ...{ of, place, outcome },
    ...(copy.type === 'copy' ? { newestAt: copy.at } : {}),
    proof: seenProof(proof),
    ...(outcome === 'fresh' ? {} : { problem: problem?.message ?? why }),
  }));

function seenProof(proof: BackupsView['copies'][number]['proof']): ProofSeen {
  if (proof === undefined) return { type: 'unknown' };
  if (proof.type === 'never') return { type: 'never' };
  const { type, at } = proof;
  return type === 'proven' && proof.isOld ? { type, at, isOld: true } : { type, at };
}

/** ISO 8601 instants compare as texts where all are UTC. */
const newest = (instants: readonly string[]): string | undefined =>
  instants
    .map((each) => new Date(each).toISOString())
    .sort()
    .at(-1);

export type Tone = 'good' | 'warn' | 'bad' | 'unknown';

/** Whether it is too old is known of a look alone: runs tell when it was made, and not how old it may become. */
export function copyTone(copy: CopySeen): Tone {
  if (copy.outcome !== undefined) return outcomeTone(copy.outcome);
  return isLate(copy) ? 'bad' : 'unknown';
}

export const outcomeTone = (outcome: CopyOutcome): Tone =>
  outcome === 'fresh' ? 'good' : outcome === 'stale' ? 'warn' : 'bad';

export function proofTone({ type, isOld }: { type: string; isOld?: boolean }): Tone {
  if (type === 'unknown') return 'unknown';
  return type !== 'proven' ? 'bad' : isOld === true ? 'warn' : 'good';
}

/** Nothing there, or not as it may be. */
export const isLate = ({ outcome, problem }: CopySeen): boolean =>
  outcome === undefined ? problem !== undefined : outcome !== 'fresh';
