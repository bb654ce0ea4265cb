import type { Approval, Decision, RunView, StepView } from '../plan/run.ts';
import { isOpen, type PendingActivity, type RunState, type WatchState } from './run-state.ts';

/** What happened between two looks at a run. */
export type Change =
  /** A step reached another state. */
  | { type: 'step'; step: StepView }
  /** An activity failed and is tried again. */
  | { type: 'retry'; activity: PendingActivity }
  | { type: 'warning'; text: string }
  /** The run asks a person. */
  | { type: 'asked'; approval: Approval }
  | { type: 'decided'; decision: Decision }
  | { type: 'paused' }
  | { type: 'resumed' }
  /** The run waits for a resource that another run holds. */
  | { type: 'waits'; resource: string; holder: string }
  | { type: 'server lost'; message: string }
  | { type: 'server back' }
  | { type: 'no worker'; noWorker: NonNullable<WatchState['noWorker']> }
  | { type: 'worker back' }
  | { type: 'over'; run: RunState };

/** In the order in which a person wants to read them. Pure; the first look is compared with an empty state. */
export function changesBetween(before: WatchState, after: WatchState): Change[] {
  const changes: Change[] = [];
  if (before.lost === undefined && after.lost !== undefined)
    changes.push({ type: 'server lost', message: after.lost.message });
  if (before.lost !== undefined && after.lost === undefined) changes.push({ type: 'server back' });
  if (before.noWorker === undefined && after.noWorker !== undefined)
    changes.push({ type: 'no worker', noWorker: after.noWorker });
  if (before.noWorker !== undefined && after.noWorker === undefined) changes.push({ type: 'worker back' });
  if (after.run === undefined) return changes;
  const closed = !isOpen(after.run.status);
  if (after.run.view !== undefined) changes.push(...viewChanges(before.run?.view, after.run.view, closed));
  changes.push(...retries(before.run?.pending ?? [], after.run.pending));
  const ended = closed && after.run.status !== 'ContinuedAsNew';
  if (ended && (before.run === undefined || isOpen(before.run.status))) changes.push({ type: 'over', run: after.run });
  return changes;
}

/** What a run that is over asked for or was held for is over too. */
function viewChanges(before: RunView | undefined, after: RunView, isOver: boolean): Change[] {
  const changes: Change[] = [];
  const states = new Map(before?.steps.map(({ id, state }) => [id, state]));
  const steps = after.steps.filter(({ id, state }) => (states.get(id) ?? 'pending') !== state);
  changes.push(...inOrder(steps, after.decisions.slice(before?.decisions.length ?? 0)));
  for (const text of after.warnings.slice(before?.warnings.length ?? 0)) changes.push({ type: 'warning', text });
  for (const { resource, holder } of after.waitingFor)
    if (before?.waitingFor.some((each) => each.resource === resource && each.holder === holder) !== true)
      changes.push({ type: 'waits', resource, holder });
  if (isOver) return changes;
  if (after.approval !== undefined && after.approval.id !== before?.approval?.id)
    changes.push({ type: 'asked', approval: after.approval });
  if (after.paused && before?.paused !== true) changes.push({ type: 'paused' });
  if (!after.paused && before?.paused === true) changes.push({ type: 'resumed' });
  return changes;
}

/** By their instants; a step that has none stays behind the one before it. */
function inOrder(steps: readonly StepView[], decisions: readonly Decision[]): Change[] {
  let latest = '';
  const dated = steps.map((step): { at: string; change: Change } => {
    latest = step.endedAt ?? step.startedAt ?? latest;
    return { at: latest, change: { type: 'step', step } };
  });
  dated.push(...decisions.map((decision) => ({ at: decision.at, change: { type: 'decided', decision } as const })));
  return dated.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at))).map(({ change }) => change);
}

function retries(before: readonly PendingActivity[], after: readonly PendingActivity[]): Change[] {
  const attempts = new Map(before.map(({ activityId, attempt }) => [activityId, attempt]));
  return after
    .filter(({ activityId, attempt }) => attempt > (attempts.get(activityId) ?? 1))
    .map((activity) => ({ type: 'retry', activity }));
}
