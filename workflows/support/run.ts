import {
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { expectedNames, nameIsNeeded } from '../../plan/approval.ts';
import { approvers, mayAskBeforeALoss, needsOf, settledBy, yesRefusal } from '../../plan/who-approves.ts';
import type { DriftRow } from '../../plan/drift-seen.ts';
import { renderDetails } from '../../plan/details.ts';
import { runName } from '../../plan/run-name.ts';
import {
  addStep,
  NOBODY,
  type Approval,
  type ApprovalNeeds,
  type CopyView,
  type Decision,
  type Phase,
  type RunResult,
  type RunView,
  type StepState,
  type StepView,
} from '../../plan/run.ts';
import {
  DECIDE_UPDATE,
  PAUSE_UPDATE,
  RESUME_UPDATE,
  VIEW_QUERY,
  type DecideArgs,
  type PauseArgs,
} from '../messages.ts';
import { activitiesFor, type StepActivities } from './activities.ts';
import { decisionRefusal } from './decisions.ts';
import { describeFailure, refusal } from './failures.ts';
import type { RetryKind } from './retries.ts';

const NAME = defineSearchAttributeKey('RunbookName', 'KEYWORD');
const SUBJECT = defineSearchAttributeKey('RunbookSubject', 'KEYWORD');
const PHASE = defineSearchAttributeKey('RunbookPhase', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');

export interface StepSpec {
  id: string;
  phase: Phase;
  title: string;
  kind: RetryKind;
  /** How long it is tried, where that is declared: `6h`. */
  within?: string;
  /** Also while the run is paused: what is half-way has to come to rest. */
  always?: true;
}

/** What a step came to, for whoever watches. */
export interface StepEnd {
  state: Extract<StepState, 'done' | 'already' | 'not needed'>;
  detail?: string;
}

/** Keeps the view of one run and answers queries and updates about it. */
export class Run {
  readonly view: RunView;
  readonly #startedBy: string;
  #mayHold = true;

  /** `startedBy`: for runs that ask before something is lost for good. */
  constructor({
    name = ownName(),
    startedBy = '',
    ...init
  }: {
    runbook: string;
    subject: string;
    revision: string;
    startedBy?: string;
    name?: string;
  }) {
    this.#startedBy = startedBy;
    this.view = {
      ...init,
      name,
      phase: 'lock',
      steps: [],
      paused: false,
      decisions: [],
      waitingFor: [],
      warnings: [],
      gates: [],
    };
    setHandler(defineQuery<RunView>(VIEW_QUERY), () => this.view, { description: 'The run as a person sees it' });
    this.#answerPeople();
    upsertSearchAttributes([
      { key: NAME, value: init.runbook },
      { key: SUBJECT, value: init.subject },
    ]);
    this.#show();
  }

  /** Shows the steps that are planned, in their order; steps that ran already stay. */
  announce(steps: readonly StepView[]): void {
    const known = new Set(this.view.steps.map(({ id }) => id));
    this.view.steps.push(...steps.filter(({ id }) => !known.has(id)).map(decidedNow));
    this.#show();
  }

  /** Keeps what the gates say; how they were judged is a step of its own. */
  judge(gates: RunView['gates']): void {
    this.view.gates = gates;
    const refusals = gates.filter(({ verdict }) => verdict === 'refused').length;
    const [state, detail] =
      refusals === 0
        ? (['done', `${gates.length} of ${gates.length}`] as const)
        : (['failed', `${refusals} of ${gates.length} refuse${refusals === 1 ? 's' : ''}`] as const);
    this.note({ id: 'gates', phase: 'gate', title: 'gates', state, detail });
    this.view.warnings.push(...gates.filter(({ verdict }) => verdict === 'warning').map(({ message }) => message));
    this.#show();
  }

  warn(warning: string): void {
    this.view.warnings.push(warning);
    this.#show();
  }

  /** Adds what became of these copies. */
  copied(copies: readonly CopyView[]): void {
    this.view.copies = [...(this.view.copies ?? []), ...copies];
    this.#show();
  }

  /** What is not as declared. */
  drifted(rows: readonly DriftRow[]): void {
    this.view.drift = [...rows];
    this.#show();
  }

  waitFor(waiting: RunView['waitingFor']): void {
    this.view.waitingFor = waiting;
    this.#show();
  }

  /**
   * Runs one step: shown as running, then as what it came to. Waits first while the run is paused.
   * Activities used in it carry the step's id and title.
   */
  async step<T>(spec: StepSpec, work: (act: StepActivities) => Promise<T>, end: (value: T) => StepEnd): Promise<T> {
    if (spec.always !== true) await this.hold();
    const step = this.#begin(spec);
    try {
      const value = await work(activitiesFor(spec));
      this.#end(step, end(value));
      return value;
    } catch (error) {
      const { message } = describeFailure(error);
      const [firstLine = ''] = message.split('\n');
      this.#end(step, { state: 'failed', detail: isCancellation(error) ? 'cancelled' : firstLine });
      throw error;
    }
  }

  /** Holds here while the run is paused. Steps do so by themselves; this is for where the last of them was. */
  async hold(): Promise<void> {
    if (this.#mayHold) await condition(() => !this.view.paused);
  }

  /**
   * From here to its end, `work` is neither cancelled nor held: what is half-way has to come to rest. Also what comes
   * after it is not held.
   */
  unstoppable<T>(work: () => Promise<T>): Promise<T> {
    this.#mayHold = false;
    this.#pause(false);
    return CancellationScope.nonCancellable(work);
  }

  /** Shows a step that was decided without being run. */
  note(step: StepView): void {
    addStep(this.view.steps, decidedNow(step));
    this.#show();
  }

  /**
   * Asks a person; nobody's answer within the time counts as no. Cancellation interrupts the question. With `expects` or
   * `names` a yes has to carry those, with `plan` the plan that it is for. With `destructive`, a yes loses something for good or
   * cannot be taken back, and the fleet file says who has to give it. `remindEveryMs`: so often the worker's log says that
   * it still waits.
   */
  async ask(
    question: Pick<Approval, 'id' | 'question' | 'consequences' | 'expects' | 'names' | 'plan'> & {
      destructive: boolean;
      timeoutMs: number;
      remindEveryMs?: number;
    },
  ): Promise<Decision> {
    const { id, destructive, timeoutMs, remindEveryMs = timeoutMs, consequences, ...rest } = question;
    // Runs of before this was asked for are decided by one person to their end.
    const needs = destructive && patched(APPROVAL_POLICY) ? await this.#needs(id) : undefined;
    const names = expectedNames(rest);
    const approval: Approval = {
      id,
      ...rest,
      ...(destructive ? { destructive } : {}),
      ...(needs === undefined ? {} : { needs }),
      consequences: names.length === 0 ? consequences : [...consequences, nameIsNeeded(names)],
      askedAt: isoNow(),
      deadline: new Date(Date.now() + timeoutMs).toISOString(),
    };
    this.view.approval = approval;
    this.#show();
    const answered = (): Decision | undefined => settledBy(approval, this.view.decisions);
    try {
      const until = Date.now() + timeoutMs;
      const summary = `Waits for a person: ${question.question}`;
      for (;;) {
        const left = until - Date.now();
        if (await condition(() => answered() !== undefined, Math.min(left, remindEveryMs), { summary })) break;
        if (left <= remindEveryMs) break;
        this.#remind(approval);
      }
    } finally {
      delete this.view.approval;
      this.#show();
    }
    const { plan } = rest;
    const nobody = { approvalId: id, approved: false, actor: NOBODY, reason: 'no answer in time' };
    return answered() ?? this.#decide(plan === undefined ? nobody : { ...nobody, plan });
  }

  /** Of a plan: tells who would have to say yes, where this runbook may ask before something is lost for good. */
  async foresee(): Promise<void> {
    if (!mayAskBeforeALoss(this.view.runbook) || !patched(APPROVAL_POLICY)) return;
    const needs = await this.#needs('plan');
    if (needs === undefined) return;
    this.view.needs = needs;
    this.#show();
  }

  async #needs(of: string): Promise<ApprovalNeeds | undefined> {
    const spec = { id: `who-approves-${of}`, phase: 'plan', title: 'who has to say yes', kind: 'observe' } as const;
    const rule = await activitiesFor(spec).approvalPolicy({ fleet: { revision: this.view.revision } });
    return needsOf(rule, this.#startedBy);
  }

  #remind(approval: Approval): void {
    approval.reminders = (approval.reminders ?? 0) + 1;
    const { runbook, subject } = this.view;
    log.warn(`${runbook}/${subject} waits for a person until ${approval.deadline}: ${approval.question}`);
    this.#show();
  }

  /** What became of a step that was announced and is no activity of its own. */
  settle(id: string, state: StepState, detail?: string): void {
    const step = this.view.steps.find((candidate) => candidate.id === id);
    if (step !== undefined) this.#end(step, { state, ...(detail === undefined ? {} : { detail }) });
  }

  /** Forgets steps that were announced, and are planned otherwise now. */
  withdraw(isMeant: (step: StepView) => boolean): void {
    this.view.steps = this.view.steps.filter((step) => step.state !== 'pending' || !isMeant(step));
    this.#show();
  }

  /** The end. What was planned and not reached was not needed, unless planning was all that was asked for. */
  finish(result: RunResult, { planOnly }: { planOnly: boolean }): RunView {
    if (!planOnly) for (const step of this.view.steps) if (step.state === 'pending') step.state = 'not needed';
    this.view.result = result;
    this.view.paused = false;
    upsertSearchAttributes([{ key: OUTCOME, value: result.outcome }]);
    this.#show();
    return this.view;
  }

  #begin({ id, phase, title }: StepSpec): StepView {
    let step = this.view.steps.find((candidate) => candidate.id === id);
    if (!step) {
      step = { id, phase, title, state: 'pending' };
      addStep(this.view.steps, step);
    }
    delete step.endedAt;
    Object.assign(step, { state: 'running', startedAt: isoNow(), title });
    if (this.view.phase !== phase) {
      this.view.phase = phase;
      upsertSearchAttributes([{ key: PHASE, value: phase }]);
    }
    this.#show();
    return step;
  }

  #end(step: StepView, { state, detail }: { state: StepState; detail?: string }): void {
    step.state = state;
    step.endedAt = isoNow();
    if (detail !== undefined) step.detail = detail;
    this.#show();
  }

  #answerPeople(): void {
    setHandler(defineUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE), (args) => this.#decide(args), {
      description: 'Approve or reject what the run waits for',
      validator: (args: DecideArgs) => {
        const problem = decisionRefusal(this.view, args);
        if (problem !== undefined) throw refusal(problem);
      },
    });
    setHandler(defineUpdate<boolean, [PauseArgs]>(PAUSE_UPDATE), () => this.#pause(true), {
      description: 'Hold the run before its next step',
      validator: this.#requireHold,
    });
    setHandler(defineUpdate<boolean, [PauseArgs]>(RESUME_UPDATE), () => this.#pause(false), {
      description: 'Let a paused run go on',
    });
  }

  readonly #requireHold: (args: PauseArgs) => void = () => {
    if (!this.#mayHold) throw refusal('it cannot be held any more. What it has begun has to come to rest.');
  };

  #pause(paused: boolean): boolean {
    this.view.paused = paused;
    this.#show();
    return paused;
  }

  #decide({ approvalId, approved, actor, reason, plan: named }: DecideArgs): Decision {
    const { approval } = this.view;
    // Two answers that come in one go are both let in before either is kept.
    const late =
      approved && approval?.needs !== undefined ? lateRefusal(approval, this.view.decisions, actor) : undefined;
    if (late !== undefined) throw refusal(late);
    // Whole, whatever part of it was typed.
    const plan = approval?.plan ?? named;
    const decision: Decision = {
      ...{ approvalId: approvalId ?? approval?.id ?? '', approved, actor, reason },
      ...(plan === undefined ? {} : { plan }),
      ...countOf(approval, approved),
      at: isoNow(),
    };
    this.view.decisions.push(decision);
    if (approval?.needs !== undefined) approval.approvedBy = approvers(this.view.decisions, approval.id);
    this.#show();
    return decision;
  }

  #show(): void {
    setCurrentDetails(renderDetails(this.view));
  }
}

/** Runs that were begun before questions had a policy go on without. */
const APPROVAL_POLICY = 'approval-policy';

function countOf(approval: Approval | undefined, approved: boolean): Pick<Decision, 'count'> {
  const { needs, approvedBy = [] } = approval ?? {};
  return needs === undefined || needs.people === 1 || !approved
    ? {}
    : { count: { yes: approvedBy.length + 1, of: needs.people } };
}

function lateRefusal(approval: Approval, decisions: readonly Decision[], actor: string): string | undefined {
  return settledBy(approval, decisions) === undefined ? yesRefusal(approval, actor) : 'It is decided already.';
}

/** Named after the first execution, so that a reset or a continued run keeps the name of what it made. */
function ownName(): string {
  const { startTime, firstExecutionRunId } = workflowInfo();
  return runName(startTime, firstExecutionRunId);
}

function isoNow(): string {
  return new Date().toISOString();
}

/** A copy; one that is not still ahead ended at this instant. */
function decidedNow(step: StepView): StepView {
  return step.state === 'pending' ? { ...step } : { ...step, endedAt: isoNow() };
}
