import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  LOCK_ACQUIRE,
  LOCK_GRANTED,
  LOCK_QUERY,
  LOCK_QUEUED,
  LOCK_RELEASE,
  type LockClaim,
  type LockNews,
  type LockView,
} from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** How often a holder that says nothing is asked whether it is still there. */
const LIVENESS_MS = 15_000;
/** An unused lock closes after this time; the next request starts it anew. */
const IDLE_MS = 60_000;

export type LockState = LockView;

/**
 * The lock of one resource: whoever asked first has it first. Never stale, because a holder whose run is closed,
 * however it ended, loses it at the next look. Holder and waiters are workflow ids.
 */
export async function resourceLock(initial: LockState): Promise<void> {
  const state: LockState = { ...initial, queue: [...initial.queue] };
  const asked = new Set<string>();
  let changed = false;
  setHandler(defineSignal<[LockClaim]>(LOCK_ACQUIRE), ({ workflowId }) => {
    if (state.holder !== workflowId && !state.queue.includes(workflowId)) state.queue.push(workflowId);
    // Told again on every request: the news may have been lost with a reset.
    asked.add(workflowId);
    changed = true;
  });
  setHandler(defineSignal<[LockClaim]>(LOCK_RELEASE), ({ workflowId }) => {
    if (state.holder === workflowId) delete state.holder;
    state.queue = state.queue.filter((id) => id !== workflowId);
    changed = true;
  });

  setHandler(defineQuery<LockView>(LOCK_QUERY), () => state, { description: 'Who holds it and who waits' });

  for (;;) {
    changed = false;
    await grantNext(state, asked);
    await answer(state, asked);
    show(state);
    if (state.holder === undefined && state.queue.length === 0) {
      if (!(await condition(() => changed, IDLE_MS, { summary: 'Unused' }))) break;
    } else if (!(await condition(() => changed, LIVENESS_MS, { summary: `Held by ${state.holder ?? 'nobody'}` }))) {
      await dropClosed(state);
    }
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof resourceLock>(state);
    }
  }
}

/** The first waiter that can still be told gets a free lock. */
async function grantNext(state: LockState, asked: Set<string>): Promise<void> {
  while (state.holder === undefined) {
    const next = state.queue.shift();
    if (next === undefined) return;
    state.holder = next;
    asked.delete(next);
    if (!(await tell(next, LOCK_GRANTED, { resource: state.resource, holder: next }))) {
      if (state.holder === next) delete state.holder;
    }
  }
}

async function answer(state: LockState, asked: Set<string>): Promise<void> {
  const waiting = [...asked];
  asked.clear();
  for (const workflowId of waiting) {
    const { holder, resource } = state;
    if (holder === undefined) continue;
    const told = await tell(workflowId, holder === workflowId ? LOCK_GRANTED : LOCK_QUEUED, { resource, holder });
    if (!told) state.queue = state.queue.filter((id) => id !== workflowId);
  }
}

async function dropClosed(state: LockState): Promise<void> {
  const { holder } = state;
  if (holder === undefined) return;
  const act = activitiesFor({ id: 'holder', phase: 'lock', title: `is ${holder} still there?`, kind: 'observe' });
  if (!(await act.isOpen({ workflowId: holder })) && state.holder === holder) delete state.holder;
}

/** False where the workflow is not open any more. */
async function tell(workflowId: string, signal: string, news: LockNews): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(signal, news);
    return true;
  } catch {
    return false;
  }
}

function show({ resource, holder, queue }: LockState): void {
  const waiting = queue.length === 0 ? '' : `\n\nWaiting, in order:\n${queue.map((id) => `- \`${id}\``).join('\n')}`;
  setCurrentDetails(
    holder === undefined ? `\`${resource}\` is free.` : `\`${resource}\` is held by \`${holder}\`.${waiting}`,
  );
}
