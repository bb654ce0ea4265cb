import type { RestorationRef, RunRef } from '../activities/contract.ts';
import { replicaName } from '../plan/backup-selection.ts';
import { durationMs } from '../plan/duration.ts';
import { planRestore, restoreSteps, stepsOf, type RestorePlan, type RestoreScope } from '../plan/restore.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { RestoreInput } from './messages.ts';
import { replace } from './restore/in-place.ts';
import { receiveReplica } from './restore/receive.ts';
import { halfWay, planned, restored } from './restore/results.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/**
 * A volume as it was: beside the original, where nothing that is there is changed, or in its place, by approval. What is half-way
 * is gone on from by name.
 */
export async function restore(input: RestoreInput): Promise<RunView> {
  const { fleet, planOnly, volume, project } = input;
  const subject = replicaName({ project, name: volume });
  const run = new Run({ runbook: 'restore', subject, revision: fleet.revision, startedBy: input.actor });
  const ref = { fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scope = await resolveScope(run, ref, input);
      const member = scope.wish.member ?? scope.member;
      const work = (): Promise<RunResult> => bringBack(run, ref, scope, input);
      // In place a person is asked first, who holds nobody up.
      const takesLock = !planOnly && member !== undefined && scope.wish.inPlace !== true;
      return takesLock ? withLocks(run, [`member/${member}`], work) : work();
    },
    input,
  );
}

async function resolveScope(run: Run, { fleet }: RunRef, input: RestoreInput): Promise<RestoreScope> {
  const { project, volume, until, to, member, backup, from, inPlace } = input;
  const wish = {
    ...{ project, volume },
    ...(until === undefined ? {} : { until }),
    ...(to === undefined ? {} : { to }),
    ...(member === undefined ? {} : { member }),
    ...(backup === undefined ? {} : { backup }),
    ...(from === undefined ? {} : { from }),
    ...(inPlace === undefined ? {} : { inPlace }),
  };
  return run.step(
    { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
    (act) => act.resolveRestore({ fleet, wish }),
    ({ places }) => ({ state: 'done', detail: places.map(({ host, dataset }) => `${host} ${dataset}`).join(', ') }),
  );
}

async function bringBack(run: Run, ref: RunRef, scope: RestoreScope, input: RestoreInput): Promise<RunResult> {
  const plan = await observe(run, ref, scope);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, input.planOnly ? 'It would not start' : 'Not started');
  const { restoration } = plan;
  if (restoration === undefined) throw failure('Unexpected', 'No gate refuses, and there is nothing to bring back.');
  run.announce(restoreSteps(plan));
  if (input.planOnly) return planned(input);
  try {
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  const work = { ...ref, restoration, stallMs: durationMs(scope.stallTimeout) };
  if (scope.wish.inPlace === true) {
    if (restoration.inPlace !== undefined) return replace(run, work, scope, input);
    return withLocks(run, [`member/${restoration.member}`], () => anew(run, work, input));
  }
  return anew(run, work, input);
}

async function anew(run: Run, work: RestorationRef, input: RestoreInput): Promise<RunResult> {
  const { restoration } = work;
  try {
    await act(run, work);
    return restored(restoration, new Date().toISOString());
  } catch (error) {
    return halfWay(error, restoration, input);
  }
}

const observe = (run: Run, ref: RunRef, scope: RestoreScope): Promise<RestorePlan> =>
  run.step(
    { id: 'observe', phase: 'gate', title: 'copies and the member', kind: 'act', within: '30m' },
    async (act) =>
      planRestore(scope, await act.observeRestore({ ...ref, scope }), { run: ref.name, now: new Date().toISOString() }),
    ({ restoration }) => ({ state: 'done', detail: restoration === undefined ? 'nothing to take' : restoration.name }),
  );

async function act(run: Run, work: RestorationRef): Promise<void> {
  const steps = stepsOf(work.restoration);
  await receiveReplica(run, work, steps.copy);
  await run.step(
    { ...steps.recover, kind: 'act' },
    (each) => each.recoverVolume(work),
    (state) => ({ state }),
  );
  await run.step(
    { ...steps.verify, kind: 'act' },
    (each) => each.verifyRestored(work),
    () => ({ state: 'done', detail: 'listed, writable, the same snapshot' }),
  );
}
