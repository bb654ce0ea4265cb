import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { DrillComparison, DrillRestored, RunRef } from '../activities/contract.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import {
  drillStep,
  drillSteps,
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

interface Tried {
  restored: DrillRestored;
  compared: DrillComparison;
}

/** One copy, to its end: whatever comes of it, nothing of it stays. Throws only for a cancellation. */
async function prove(run: Run, ref: RunRef, copy: DrillCopy): Promise<CopyView> {
  let tried: Tried | undefined;
  let problem: Problem | undefined;
  try {
    tried = await tryOut(run, ref, copy);
  } catch (error) {
    if (isCancellation(error)) {
      await cleanUp(run, ref, copy);
      throw error;
    }
    problem = describeFailure(error);
  }
  const left = await cleanUp(run, ref, copy);
  if (tried === undefined || left !== undefined) return viewOf(copy, 'failed', orProblem(problem ?? left));
  return note(run, ref, copy, tried);
}

const orProblem = (problem: Problem | undefined): Pick<CopyView, 'problem'> =>
  problem === undefined ? {} : { problem };

async function tryOut(run: Run, ref: RunRef, copy: DrillCopy): Promise<Tried> {
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
  return { restored, compared };
}

/** Also of a run that is cancelled. Why something may be left, where that is so. */
const cleanUp = (run: Run, ref: RunRef, copy: DrillCopy): Promise<Problem | undefined> =>
  CancellationScope.nonCancellable(() => removeAll(run, ref, copy));

async function removeAll(run: Run, ref: RunRef, copy: DrillCopy): Promise<Problem | undefined> {
  try {
    await run.step(
      { ...drillStep(copy, 'clean'), kind: 'rollBack' },
      (act) => act.cleanUpDrill({ ...ref, copy }),
      () => ({ state: 'done' }),
    );
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
async function note(run: Run, ref: RunRef, copy: DrillCopy, { restored, compared }: Tried): Promise<CopyView> {
  const isSame = compared.type === 'same';
  const proof: CopyProof = {
    ...{ outcome: isSame ? 'proven' : 'failed', at: new Date().toISOString() },
    ...{ guid: copy.snapshot?.guid ?? '', snapshotAt: copy.snapshot?.createdAt ?? '' },
    words: isSame ? compared.words : compared.message.slice(0, 500),
    ...(restored.seconds === undefined ? {} : { bytes: restored.bytes, seconds: restored.seconds }),
  };
  try {
    await run.step(
      { ...drillStep(copy, 'prove'), kind: 'act' },
      (act) => act.noteProof({ ...ref, copy, proof }),
      () => ({ state: isSame ? 'done' : 'not needed', detail: isSame ? 'written down' : 'it is not' }),
    );
  } catch (error) {
    if (isCancellation(error)) throw error;
    return viewOf(copy, 'failed', { problem: describeFailure(error) });
  }
  return isSame
    ? viewOf(copy, 'proven', { detail: `${compared.words}; ${restoreWords(restored)}`, bytes: restored.bytes })
    : viewOf(copy, 'failed', {
        problem: problemOf(compared.type === 'differs' ? 'Damaged' : 'CheckFailed', compared.message),
      });
}
