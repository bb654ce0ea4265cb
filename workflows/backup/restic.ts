import { isCancellation } from '@temporalio/workflow';
import type { RunRef } from '../../activities/contract.ts';
import { backupSnapshot } from '../../plan/nightly-backup.ts';
import { problemOf } from '../../plan/problem.ts';
import {
  mayForget,
  planRestic,
  type ResticBackupResult,
  type ResticObservation,
  type ResticRepositoryPlan,
  type ResticScope,
  type ResticSourceScope,
  type ResticStep,
  type ResticUpkeep,
} from '../../plan/restic.ts';
import type { CopyView, StepView } from '../../plan/run.ts';
import { asSentence } from '../../plan/sentence.ts';
import { activitiesFor } from '../support/activities.ts';
import { describeFailure } from '../support/failures.ts';
import { withLocks } from '../support/locks.ts';
import type { Run, StepEnd } from '../support/run.ts';

export interface ResticWork {
  scope: ResticScope;
  seen: ResticObservation;
  plans: ResticRepositoryPlan[];
}

/** What is due in each repository; of one guest only, nothing but its backups. Nothing where no repository is declared. */
export async function planRepositories(run: Run, ref: RunRef, guest?: string): Promise<ResticWork> {
  const scope = await run.step(
    { id: 'restic-scope', phase: 'gate', title: 'repositories', kind: 'observe' },
    (act) => act.resolveRestic({ fleet: ref.fleet }),
    ({ repositories }) => ({
      state: 'done',
      detail: repositories.map(({ repository }) => repository).join(', ') || 'none',
    }),
  );
  if (scope.repositories.length === 0) return { scope, seen: { repositories: [] }, plans: [] };
  const seen = await run.step(
    { id: 'restic-observe', phase: 'gate', title: 'what is due in them', kind: 'observe' },
    (act) => act.observeRestic(ref),
    () => ({ state: 'done' }),
  );
  const plans = planRestic(scope, seen, new Date().toISOString());
  return { scope, seen, plans: guest === undefined ? plans : plans.map((plan) => ofGuest(plan, scope, guest)) };
}

function ofGuest(plan: ResticRepositoryPlan, scope: ResticScope, guest: string): ResticRepositoryPlan {
  const isOwn = (step: { type: ResticStep['type']; source?: string }): boolean =>
    step.type === 'backup' && sourceOf(scope, plan.id, step.source)?.guest === guest;
  return { ...plan, steps: plan.steps.filter(isOwn), held: plan.held.filter(isOwn) };
}

const sourceOf = (
  { repositories }: ResticScope,
  id: string,
  source: string | undefined,
): ResticSourceScope | undefined =>
  repositories.find((repository) => repository.id === id)?.sources.find((each) => each.id === source);

function stepOf({ id, repository }: ResticRepositoryPlan, scope: ResticScope, step: ResticStep) {
  const source = 'source' in step ? step.source : undefined;
  const what = sourceOf(scope, id, source)?.title;
  return {
    id: `restic-${id}-${step.type}${source === undefined ? '' : `-${source}`}`,
    phase: step.type === 'backup' ? 'copy' : 'prune',
    title: `${step.type === 'backup' ? '' : `${step.type} `}${what === undefined ? repository : `${what} to ${repository}`}`,
  } as const;
}

export const resticSteps = ({ scope, plans }: ResticWork): StepView[] =>
  plans.flatMap((plan) =>
    plan.steps.map((step) => ({ ...stepOf(plan, scope, step), state: 'pending', detail: step.why })),
  );

/** What cannot be done today, as a copy that failed or a warning. */
export function tellHeld(run: Run, { scope, plans }: ResticWork): void {
  for (const { id, repository, held } of plans)
    for (const { type, source, why } of held) {
      const what = sourceOf(scope, id, source);
      if (type === 'backup' && what !== undefined) run.copied([failed(what, repository, why)]);
      else run.warn(`${type} of ${repository} is due and not done: ${asSentence(why)}`);
    }
}

const failed = ({ title }: ResticSourceScope, repository: string, message: string): CopyView => ({
  ...{ volume: title, place: `restic ${repository}`, outcome: 'failed' },
  problem: problemOf('Unexpected', message),
});

/** One repository after another, each by this run alone. Throws only for a cancellation. */
export async function copyToRepositories(run: Run, ref: RunRef, { scope, plans }: ResticWork): Promise<void> {
  for (const plan of plans.filter(({ steps }) => steps.length > 0))
    await withLocks(run, [plan.lock], () => workOn(run, ref, scope, plan));
  await forgetJobs(run, ref, scope, plans);
}

/** What jobs have written is in the outcomes by now. */
async function forgetJobs(
  run: Run,
  ref: RunRef,
  scope: ResticScope,
  plans: readonly ResticRepositoryPlan[],
): Promise<void> {
  const worked = new Set(plans.filter(({ steps }) => steps.length > 0).map(({ id }) => id));
  const repositories = scope.repositories.filter(({ id }) => worked.has(id));
  const places = repositories.flatMap(({ sources, maintenance }) => [
    ...sources.map(({ place }) => place),
    maintenance,
  ]);
  if (places.length === 0) return;
  const act = activitiesFor({ id: 'forget-jobs', phase: 'clean up', title: 'jobs of this run', kind: 'observe' });
  try {
    await act.forgetJobs({ ...ref, nodes: [...new Set(places.map(({ node }) => node))] });
  } catch (error) {
    if (isCancellation(error)) throw error;
    run.warn(`Jobs of this run were not removed: ${asSentence(describeFailure(error).message)}`);
  }
}

async function workOn(run: Run, ref: RunRef, scope: ResticScope, plan: ResticRepositoryPlan): Promise<void> {
  const backups = new Map<string, ResticBackupResult>();
  const at = new Date().toISOString();
  for (const step of plan.steps)
    try {
      if (step.type === 'backup') backups.set(step.source, await backUp(run, ref, { scope, plan, step, at }));
      else if (step.type === 'forget' && !mayForget(backups.get(step.source)))
        run.note({ ...stepOf(plan, scope, step), state: 'not needed', detail: 'its backup is not complete' });
      else await maintain(run, ref, { scope, plan, step });
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { message } = describeFailure(error);
      const what = step.type === 'backup' ? sourceOf(scope, plan.id, step.source) : undefined;
      if (what === undefined) run.warn(`${step.type} of ${plan.repository} failed: ${asSentence(message)}`);
      else {
        run.copied([failed(what, plan.repository, message)]);
        backups.set(what.id, { type: 'failed', message });
      }
    }
}

async function backUp(
  run: Run,
  ref: RunRef,
  {
    scope,
    plan,
    step,
    at,
  }: { scope: ResticScope; plan: ResticRepositoryPlan; step: ResticStep & { type: 'backup' }; at: string },
): Promise<ResticBackupResult> {
  const source = sourceOf(scope, plan.id, step.source) as ResticSourceScope;
  const input = {
    ...ref,
    ...{ repository: plan.id, source: source.id, at },
    ...(source.reads.type === 'volume' ? { snapshot: backupSnapshot(ref.name) } : {}),
  };
  const result = await run.step(
    { ...stepOf(plan, scope, step), kind: 'long', within: '6h' },
    (act) => act.backUpToRestic(input),
    endOfBackup,
  );
  run.copied([
    result.type === 'complete'
      ? {
          volume: source.title,
          place: `restic ${plan.repository}`,
          outcome: 'copied',
          newestAt: at,
          bytes: result.added,
        }
      : failed(source, plan.repository, result.message),
  ]);
  return result;
}

const endOfBackup = (result: ResticBackupResult): StepEnd =>
  result.type === 'complete'
    ? { state: 'done', detail: `${result.files} files` }
    : { state: 'not needed', detail: `${result.type}: ${result.message}` };

/** What a repository needs to stay good keeps no backup from being one: a warning. */
async function maintain(
  run: Run,
  ref: RunRef,
  { scope, plan, step }: { scope: ResticScope; plan: ResticRepositoryPlan; step: ResticStep & ResticUpkeep },
): Promise<void> {
  const result = await run.step(
    { ...stepOf(plan, scope, step), kind: 'long', within: '6h' },
    (act) => act.maintainRestic({ ...ref, repository: plan.id, step: upkeepOf(step) }),
    ({ type, message }) => ({
      state: type === 'done' ? 'done' : 'not needed',
      ...(message === undefined ? {} : { detail: message }),
    }),
  );
  if (result.type !== 'done') run.warn(`${step.type} of ${plan.repository}: ${asSentence(result.message)}`);
}

function upkeepOf(step: ResticUpkeep): ResticUpkeep {
  switch (step.type) {
    case 'forget':
      return { type: 'forget', source: step.source };
    case 'prune':
      return { type: 'prune' };
    case 'check':
      return { type: 'check', subset: step.subset, of: step.of };
  }
}
