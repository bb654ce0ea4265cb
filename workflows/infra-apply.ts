import { durationMs } from '../plan/duration.ts';
import {
  changeSteps,
  countsOf,
  isEmpty,
  namesNeeded,
  shortHash,
  stepOf,
  type AppliedInfra,
  type InfraScope,
  type PlannedInfra,
} from '../plan/infra.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { NodeRef } from '../activities/contract.ts';
import { alreadySo, applied, failed, planned, unsettled, unverified } from './infra/results.ts';
import { cleanInfra } from './infra/clean.ts';
import { question } from './infra/question.ts';
import type { InfraApplyInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';

/** A state that changes again and again under a person's eyes has another cause. */
const MAX_PLANS = 5;

/**
 * What Terraform would do to one member's infrastructure, and once a person has approved exactly that, it is done. A plan that
 * is not true any more is made anew, and asked for anew.
 */
export async function infraApply(input: InfraApplyInput): Promise<RunView> {
  const { node, fleet, planOnly } = input;
  const run = new Run({ runbook: 'infra-apply', subject: node, revision: fleet.revision, startedBy: input.actor });
  const ref = { fleet, name: run.view.name, node };
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveInfra({ fleet, node }),
        ({ program, folder }) => ({ state: 'done', detail: `${program} in ${folder}` }),
      );
      const work = (): Promise<RunResult> => cleanInfra(run, ref, () => apply(run, ref, scope, planOnly));
      return planOnly ? work() : withLocks(run, [`infra/${node}`], work);
    },
    input,
  );
}

/** Whether an apply was ended half-way: from then on nobody may be told that nothing was changed. */
interface Past {
  interrupted: boolean;
}

async function apply(run: Run, ref: NodeRef, scope: InfraScope, planOnly: boolean): Promise<RunResult> {
  const past: Past = { interrupted: false };
  try {
    return await planUntilApplied(run, ref, scope, { planOnly, past });
  } catch (error) {
    if (past.interrupted) return failed(scope, { message: describeFailure(error).message, done: [] }, error);
    throw error;
  }
}

async function planUntilApplied(
  run: Run,
  ref: NodeRef,
  scope: InfraScope,
  { planOnly, past }: { planOnly: boolean; past: Past },
): Promise<RunResult> {
  await run.step(
    { id: 'init', phase: 'gate', title: `${scope.program} init`, kind: 'act', within: PLANNING },
    (act) => act.initInfra(ref),
    (state) => ({ state }),
  );
  for (let number = 1; ; number += 1) {
    const plan = await look(run, ref, scope, `${number}`, 'plan');
    if (isEmpty(plan)) return number === 1 ? alreadySo(scope) : applied(scope, run);
    run.announce(changeSteps(plan));
    for (const address of plan.drifted) run.warn(`${address} was changed since the last apply, not by Terraform.`);
    if (planOnly) return planned(scope, plan);
    await approve(run, scope, plan, number);
    await run.hold();
    const ended = await withLocks(run, [`member/${ref.node}`], () =>
      run.unstoppable(() => act(run, ref, scope, plan, number)),
    );
    if ('outcome' in ended) return ended;
    past.interrupted ||= ended.type === 'interrupted';
    if (number >= MAX_PLANS) return unsettled(scope, ended.why);
    run.warn(`It was planned again: ${ended.why}.`);
    run.withdraw(({ id }) => id.startsWith('change-'));
  }
}

/** Everything of a member is read: some minutes, and as long again where its state is waited for. */
const PLANNING = '1h';

async function look(
  run: Run,
  ref: NodeRef,
  { program }: InfraScope,
  plan: string,
  phase: 'plan' | 'verify',
): Promise<PlannedInfra> {
  return run.step(
    { id: phase === 'verify' ? plan : `plan-${plan}`, phase, title: `${program} plan`, kind: 'act', within: PLANNING },
    (activities) => activities.planInfra({ ...ref, plan }),
    (found) => ({
      state: 'done',
      detail: isEmpty(found) ? 'no changes' : `${countsOf(found)} · ${shortHash(found.hash)}`,
    }),
  );
}

async function approve(run: Run, scope: InfraScope, plan: PlannedInfra, number: number): Promise<void> {
  const { approved, actor, reason } = await run.ask({
    ...question(scope, plan, number),
    destructive: namesNeeded(scope, plan).length > 0,
    timeoutMs: durationMs(scope.approvalTimeout),
    remindEveryMs: durationMs(scope.remindEvery),
  });
  if (!approved) throw failure('NotApproved', `Plan ${shortHash(plan.hash)} was not approved (${actor}: ${reason}).`);
}

/** From here to its end nothing is cut in half: Terraform would leave what it is at half-made. */
async function act(
  run: Run,
  ref: NodeRef,
  scope: InfraScope,
  { hash, file, changes }: PlannedInfra,
  number: number,
): Promise<RunResult | { type: 'stale' | 'interrupted'; why: string }> {
  const plan = `${number}`;
  await run.step(
    { id: `back-up-${plan}`, phase: 'snapshot', title: `state of ${ref.node}`, kind: 'act' },
    (activities) => activities.backUpState({ ...ref, plan }),
    (kept) =>
      kept === undefined ? { state: 'not needed', detail: 'there is none yet' } : { state: 'done', detail: kept },
  );
  let isApplied = false;
  try {
    const ended = await run.step(
      { id: `apply-${plan}`, phase: 'apply', title: `plan ${shortHash(hash)}`, kind: 'long' },
      (activities) => activities.applyInfra({ ...ref, plan, hash, file }),
      ({ type }) => ({ state: type === 'stale' ? 'not needed' : 'done', ...told(type) }),
    );
    if (ended.type === 'stale' || ended.type === 'interrupted') return ended;
    if (ended.type === 'failed') {
      for (const address of ended.done) run.settle(stepOf(address), 'done');
      return failed(scope, ended);
    }
    isApplied = true;
    for (const { address } of changes) run.settle(stepOf(address), 'done');
    run.settle('change-more', 'done');
    run.settle('change-outputs', 'done');
    const left = await look(run, ref, scope, `verify-${plan}`, 'verify');
    return applied(scope, run, left);
  } catch (error) {
    if (isApplied) return unverified(scope, error);
    return failed(scope, { message: describeFailure(error).message, done: [] }, error);
  }
}

const told = (type: AppliedInfra['type']): { detail?: string } => (type === 'applied' ? {} : { detail: type });
