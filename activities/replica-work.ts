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
  readonly #snapshot: string;
  readonly #patient: boolean;
  readonly #given = new Map<string, Problem>();
  /** Tries without a newer snapshot or another token, by replica. */
  readonly #tries = new Map<string, { state: string; number: number }>();
  /** What was in the way at last, by replica. */
  readonly #said = new Map<string, Problem>();
  readonly #sent = new Map<string, number>();

  /** `snapshot`: of this run, as ZFS has it. `patient`: what is busy is waited for. */
  constructor(pair: ReplicaPair, { snapshot, patient }: { snapshot: string; patient: boolean }) {
    this.#pair = pair;
    this.#snapshot = snapshot;
    this.#patient = patient;
  }

  /**
   * What is sent next, at most so much as one job takes. What is there in part and of no use goes first; `abort` says why that is
   * not possible now. Fails as Busy where nothing is left but what is busy, to be tried again.
   */
  async stepsFor(
    facts: readonly ReplicaFacts[],
    abort: (target: string) => Promise<string | undefined>,
  ): Promise<TransferStep[]> {
    const steps: TransferStep[] = [];
    const busy: Problem[] = [];
    for (const { decision, target } of facts) {
      if (decision.problem !== undefined) this.#given.set(decision.target, decision.problem);
      if (decision.steps.length === 0 || this.#given.has(decision.target) || steps.length >= MOST_STEPS) continue;
      const blocked = decision.abortPartial ? await abort(decision.target) : undefined;
      const problem =
        blocked === undefined
          ? this.#stuck(decision.target, stateOf(target))
          : problemOf('Busy', `${decision.target}: ${blocked}`);
      if (problem === undefined) steps.push(...decision.steps.slice(0, MOST_STEPS - steps.length));
      else if (problem.type === 'Busy' && this.#patient) busy.push(problem);
      else this.#given.set(decision.target, problem);
    }
    if (steps.length === 0 && busy[0] !== undefined) throw failure('Busy', busy[0].message);
    return steps;
  }

  #stuck(target: string, state: string): Problem | undefined {
    const before = this.#tries.get(target);
    const number = before?.state === state ? before.number + 1 : 1;
    this.#tries.set(target, { state, number });
    if (number <= TRIES) return undefined;
    const { type = 'Unexpected', message = 'nothing says why' } = this.#said.get(target) ?? {};
    return problemOf(type, `${target} has not moved in ${TRIES} transfers: ${message}`);
  }

  /** Takes in what a job says. `wait`: of something that may pass. Fails as Unreachable where an end is away. */
  note(steps: readonly TransferStep[], outcomes: readonly StepOutcome[]): 'wait' | 'go on' {
    let next: 'wait' | 'go on' = 'go on';
    for (const [index, { target }] of steps.entries()) {
      const outcome = outcomes[index];
      if (outcome?.type === 'sent') this.#sent.set(target, (this.#sent.get(target) ?? 0) + 1);
      if (outcome?.type !== 'failed') continue;
      const { type, passes } = TRANSFER_PROBLEMS[outcome.problem];
      const message = `${target} on ${this.#pair.target.member}: ${outcome.message}`;
      if (type === 'Unreachable') throw failure(type, message);
      if (passes) next = 'wait';
      (passes ? this.#said : this.#given).set(target, problemOf(type, message));
    }
    return next;
  }

  outcomes(facts: readonly ReplicaFacts[], newestAt: ReadonlyMap<string, string>): CopyView[] {
    return facts.map(({ volume, target: replica, decision: { target, relation } }) => {
      const [at, snapshots = 0] = [newestAt.get(target), this.#sent.get(target)];
      const isOfThisRun = replica?.snapshots.some(({ name }) => name === this.#snapshot) === true;
      const problem = this.#given.get(target) ?? (isOfThisRun ? undefined : this.#notOfThisRun(target));
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

  /** That all is there that the source has proves nothing where the source has lost what this run has made. */
  #notOfThisRun(target: string): Problem {
    return problemOf('NothingToSend', `${target} has no ${this.#snapshot}: the source has it no more.`);
  }
}

const stateOf = (target: ReplicaFacts['target']): string => {
  const token = target?.resumeToken;
  return `${target?.snapshots.at(-1)?.guid ?? ''} ${token === undefined || 'type' in token ? '' : (token.bytes ?? '')}`;
};

/** `passes`: a look at both sides tells what it was, or it is over by then. */
export const TRANSFER_PROBLEMS: Record<TransferProblem, { type: FailureType; passes: boolean }> = {
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
