import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { DrillRestored, RunRef } from '../activities/contract.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import {
  drillStep,
  drillSteps,
  isPassing,
  planDrill,
  restoreWords,
  type CopyProof,
  type DrillCopy,
  type DrillPlan,
} from '../plan/restore-drill.ts';
import type { CopyView, RunResult, RunView } from '../plan/run.ts';
import { drilled, planned, stopped } from './drill/results.ts';
import type { RestoreDrillInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { describeFailure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { LEARNS_WITHIN } from './support/retries.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** The way there and back: a host that goes away is waited for so long. */
const RESTORE_WITHIN = '12h';
const COMPARE_WITHIN = '12h';

/**
 * Restores copies to where nobody uses them, one after the other, compares them with what they were made from, removes them again,
 * and writes down which are proven. Of the others it says why they are not.
 */
export async function restoreDrill(input: RestoreDrillInput): Promise<RunView> {
  const { fleet, backup, planOnly } = input;
  const run = new Run({ runbook: 'restore-drill', subject: backup ?? 'all', revision: fleet.revision });
  const ref = { fleet, name: run.view.name };
  const work = (): Promise<RunResult> => drill(run, ref, input);
  return conclude(run, () => (planOnly ? work() : withLocks(run, ['restore-drill'], work)), input);
}

async function drill(run: Run, ref: RunRef, input: RestoreDrillInput): Promise<RunResult> {
  const plan = await observe(run, ref, input);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, input.planOnly ? 'It would not start' : 'Not started');
  run.announce(drillSteps(plan.chosen, new Date().toISOString()));
  if (input.planOnly) return planned(input, plan);
  run.copied(plan.notProvable.map(({ copy, problem }) => viewOf(copy, 'not provable', { problem })));
  try {
    for (const copy of plan.chosen) run.copied([await prove(run, ref, copy)]);
    await run.hold();
  } catch (error) {
    return stopped(run.view, error);
  }
  return drilled(run.view, input, plan);
}

async function observe(run: Run, ref: RunRef, { backup }: RestoreDrillInput): Promise<DrillPlan> {
  const scope = await run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveBackup({ fleet: ref.fleet, ...(backup === undefined ? {} : { backup }) }),
    ({ backups }) => ({ state: 'done', detail: Object.keys(backups).join(', ') }),
  );
  return run.step(
    { id: 'observe', phase: 'gate', title: 'copies, and what proves them', kind: 'act', within: '30m' },
    async (act) => planDrill(await act.observeDrill({ ...ref, scope }), { most: scope.policy.drill.copies }),
    ({ chosen, later, notProvable }) => ({
      state: 'done',
      detail: `${chosen.length + later} can be proven, ${notProvable.length} cannot`,
    }),
  );
}

const viewOf = (
  { volume, place, snapshot }: DrillCopy,
  outcome: CopyView['outcome'],
  more: Pick<CopyView, 'detail' | 'problem' | 'bytes'>,
): CopyView => ({
  ...{ volume, place, outcome, ...more },
  ...(snapshot === undefined ? {} : { newestAt: snapshot.createdAt }),
});

/** What a try says of the copy: that it is what its source was, or why it is not. */
interface Verdict {
  words: string;
  problem?: Problem;
  restored?: DrillRestored;
}

/** One copy, to its end: whatever comes of it, nothing of it stays. Throws only for a cancellation. */
async function prove(run: Run, ref: RunRef, copy: DrillCopy): Promise<CopyView> {
  let verdict: Verdict;
  let left: Problem | undefined;
  try {
    verdict = await tryOut(run, ref, copy);
    left = await cleanUp(run, ref, copy);
  } catch (error) {
    if (!isCancellation(error)) await CancellationScope.nonCancellable(() => sleep(LEARNS_WITHIN));
    left = await cleanUp(run, ref, copy);
    if (isCancellation(error)) throw error;
    const problem = describeFailure(error);
    verdict = { words: problem.message, problem };
  }
  const { problem = left } = verdict;
  // What is left behind says nothing of the copy, and neither does a host that was away.
  if (problem !== undefined && (verdict.problem === undefined || isPassing(verdict.problem.type)))
    return viewOf(copy, 'failed', { problem });
  return note(run, ref, copy, verdict);
}

async function tryOut(run: Run, ref: RunRef, copy: DrillCopy): Promise<Verdict> {
  const restored = await run.step(
    { ...drillStep(copy, 'restore'), kind: 'long', within: RESTORE_WITHIN },
    (act) => act.restoreForDrill({ ...ref, copy }),
    (value) => ({ state: 'done', detail: restoreWords(value) }),
  );
  const compared = await run.step(
    { ...drillStep(copy, 'compare'), kind: 'long', within: COMPARE_WITHIN },
    (act) => act.compareForDrill({ ...ref, copy }),
    (value) => ({
      state: value.type === 'same' ? 'done' : 'not needed',
      detail: value.type === 'same' ? value.words : value.message,
    }),
  );
  if (compared.type === 'same') return { words: compared.words, restored };
  const { type, message } = compared;
  return { words: message, problem: problemOf(type === 'differs' ? 'Damaged' : 'CheckFailed', message), restored };
}

/** Also of a run that is cancelled or paused. Why something may be left, where that is so. */
const cleanUp = (run: Run, ref: RunRef, copy: DrillCopy): Promise<Problem | undefined> =>
  CancellationScope.nonCancellable(() => removeAll(run, ref, copy));

async function removeAll(run: Run, ref: RunRef, copy: DrillCopy): Promise<Problem | undefined> {
  try {
    const others = await run.step(
      { ...drillStep(copy, 'clean'), kind: 'rollBack', always: true },
      (act) => act.cleanUpDrill({ ...ref, copy }),
      () => ({ state: 'done' }),
    );
    for (const message of others) run.warn(`What another drill has left could not be removed: ${message}`);
    return undefined;
  } catch (error) {
    const { type, message } = describeFailure(error);
    run.warn(
      `What was restored of ${copy.volume} may be there still, in ${copy.scratch} on ${copy.pair.sender}: ${message}`,
    );
    return problemOf(type, `It could not be removed again: ${message}`);
  }
}

/** What is wrong is written down as well: an older proof says nothing any more. */
async function note(run: Run, ref: RunRef, copy: DrillCopy, { words, problem, restored }: Verdict): Promise<CopyView> {
  const isProven = problem === undefined;
  const proof: CopyProof = {
    ...{ outcome: isProven ? 'proven' : 'failed', at: new Date().toISOString() },
    ...{ guid: copy.snapshot?.guid ?? '', snapshotAt: copy.snapshot?.createdAt ?? '' },
    words: words.slice(0, 500),
    ...(restored?.seconds === undefined ? {} : { bytes: restored.bytes, seconds: restored.seconds }),
  };
  try {
    await run.step(
      { ...drillStep(copy, 'prove'), kind: 'act' },
      (act) => act.noteProof({ ...ref, copy, proof }),
      () => ({ state: isProven ? 'done' : 'not needed', detail: isProven ? 'written down' : 'it is not' }),
    );
  } catch (error) {
    if (isCancellation(error)) throw error;
    return viewOf(copy, 'failed', { problem: problem ?? describeFailure(error) });
  }
  return problem === undefined && restored !== undefined
    ? viewOf(copy, 'proven', { detail: `${words}; ${restoreWords(restored)}`, bytes: restored.bytes })
    : viewOf(copy, 'failed', problem === undefined ? {} : { problem });
}
