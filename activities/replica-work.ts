import type { FailureType } from '../plan/failures.ts';
import { placeOf, type ReplicaPair } from '../plan/nightly-backup.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import type { TransferStep } from '../plan/replication.ts';
import type { CopyView } from '../plan/run.ts';
import { MOST_STEPS } from '../tools/zfs-transfer.ts';
import type { StepOutcome, TransferProblem } from '../tools/zfs-transfer-output.ts';
import { failure } from './failure.ts';
import type { ReplicaFacts } from './replica-facts.ts';

/** A replica that has moved by nothing so often is left. */
const TRIES = 3;

/** What an attempt has sent so far, and which replicas it has given up. */
export class ReplicaWork {
  readonly #pair: ReplicaPair;
  readonly #given = new Map<string, Problem>();
  /** Tries without a newer snapshot or another token, by replica. */
  readonly #tries = new Map<string, { state: string; number: number }>();
  /** What was in the way at last, by replica. */
  readonly #said = new Map<string, Problem>();
  readonly #sent = new Map<string, number>();

  constructor(pair: ReplicaPair) {
    this.#pair = pair;
  }

  /** What is sent next, at most so much as one job takes. What is there in part and of no use goes first. */
  async stepsFor(facts: readonly ReplicaFacts[], abort: (target: string) => Promise<void>): Promise<TransferStep[]> {
    const steps: TransferStep[] = [];
    for (const { decision, target } of facts) {
      if (decision.problem !== undefined) this.#given.set(decision.target, decision.problem);
      if (decision.steps.length === 0 || this.#given.has(decision.target)) continue;
      if (steps.length >= MOST_STEPS || this.#isStuck(decision.target, stateOf(target))) continue;
      if (decision.abortPartial) await abort(decision.target);
      steps.push(...decision.steps.slice(0, MOST_STEPS - steps.length));
    }
    return steps;
  }

  #isStuck(target: string, state: string): boolean {
    const before = this.#tries.get(target);
    const number = before?.state === state ? before.number + 1 : 1;
    this.#tries.set(target, { state, number });
    if (number <= TRIES) return false;
    const { type = 'Unexpected', message = 'nothing says why' } = this.#said.get(target) ?? {};
    this.#given.set(target, problemOf(type, `${target} has not moved in ${TRIES} transfers: ${message}`));
    return true;
  }

  /** Takes in what a job says. `wait`: of something that may pass. Fails as Unreachable where an end is away. */
  note(steps: readonly TransferStep[], outcomes: readonly StepOutcome[]): 'wait' | 'go on' {
    let next: 'wait' | 'go on' = 'go on';
    for (const [index, { target }] of steps.entries()) {
      const outcome = outcomes[index];
      if (outcome?.type === 'sent') this.#sent.set(target, (this.#sent.get(target) ?? 0) + 1);
      if (outcome?.type !== 'failed') continue;
      const { type, passes } = MEANING[outcome.problem];
      const message = `${target} on ${this.#pair.target.member}: ${outcome.message}`;
      if (type === 'Unreachable') throw failure(type, message);
      if (passes) next = 'wait';
      (passes ? this.#said : this.#given).set(target, problemOf(type, message));
    }
    return next;
  }

  outcomes(facts: readonly ReplicaFacts[], newestAt: ReadonlyMap<string, string>): CopyView[] {
    return facts.map(({ volume, decision: { target, relation } }) => {
      const [at, problem, snapshots = 0] = [newestAt.get(target), this.#given.get(target), this.#sent.get(target)];
      const isThere = problem === undefined && relation.type === 'up to date';
      return {
        ...{ volume: inProject(volume), place: placeOf(this.#pair.target) },
        outcome: isThere ? (snapshots > 0 ? 'copied' : 'up to date') : 'failed',
        ...(at === undefined ? {} : { newestAt: at }),
        ...(snapshots > 0 ? { snapshots } : {}),
        ...(problem === undefined ? {} : { problem }),
      };
    });
  }
}

const stateOf = (target: ReplicaFacts['target']): string => {
  const token = target?.resumeToken;
  return `${target?.snapshots.at(-1)?.guid ?? ''} ${token === undefined || 'type' in token ? '' : (token.bytes ?? '')}`;
};

/** `passes`: a look at both sides tells what it was, or it is over by then. */
const MEANING: Record<TransferProblem, { type: FailureType; passes: boolean }> = {
  held: { type: 'Busy', passes: true },
  'has clones': { type: 'Busy', passes: true },
  busy: { type: 'Busy', passes: true },
  exists: { type: 'Diverged', passes: true },
  modified: { type: 'ReplicaModified', passes: false },
  'other source': { type: 'Diverged', passes: true },
  partial: { type: 'Busy', passes: true },
  'raw broken': { type: 'SendModeChanged', passes: false },
  'key not loaded': { type: 'KeyNotLoaded', passes: false },
  'no space': { type: 'NoSpace', passes: false },
  'not found': { type: 'NotFound', passes: true },
  unreachable: { type: 'Unreachable', passes: true },
  refused: { type: 'Refused', passes: false },
  'no program': { type: 'NotRun', passes: false },
  interrupted: { type: 'Interrupted', passes: true },
  unexpected: { type: 'Unexpected', passes: false },
};
