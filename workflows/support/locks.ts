import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { LOCK_GRANTED, LOCK_QUEUED, LOCK_RELEASE, lockWorkflowId, type LockNews } from '../messages.ts';
import { durationMs } from '../../plan/duration.ts';
import { activitiesFor } from './activities.ts';
import { failure } from './failures.ts';
import type { Run } from './run.ts';

/** Asked again this often until granted: a lock workflow that somebody terminated starts anew by that. */
const ASK_AGAIN_MS = 30_000;

interface Claims {
  granted: Set<string>;
  /** Who holds what is waited for. */
  waiting: Map<string, string>;
}

/** Of each run: parts of one may hold locks beside each other. */
const claims = new WeakMap<Run, Claims>();

function claimsOf(run: Run): Claims {
  const known = claims.get(run);
  if (known !== undefined) return known;
  const made: Claims = { granted: new Set(), waiting: new Map() };
  claims.set(run, made);
  setHandler(defineSignal<[LockNews]>(LOCK_GRANTED), ({ resource }) => {
    made.granted.add(resource);
  });
  setHandler(defineSignal<[LockNews]>(LOCK_QUEUED), ({ resource, holder }) => {
    if (!made.granted.has(resource)) wait(run, resource, holder);
  });
  return made;
}

function wait(run: Run, resource: string, holder?: string): void {
  const { waiting } = claimsOf(run);
  if (holder === undefined) waiting.delete(resource);
  else waiting.set(resource, holder);
  run.waitFor(Array.from(waiting, ([name, by]) => ({ resource: name, holder: by })));
}

/**
 * Runs `work` while this run holds every resource, taken in one order by everybody so that no two runs wait for
 * each other. Locks are given back whatever happens; one that cannot be given back is found free by its own check.
 * Fails as Busy where one is not had `within` a time; without that it is waited for as long as it takes.
 */
export async function withLocks<T>(
  run: Run,
  resources: readonly string[],
  work: () => Promise<T>,
  { within }: { within?: string } = {},
): Promise<T> {
  const { granted } = claimsOf(run);
  const ordered = [...new Set(resources)].sort();
  try {
    for (const resource of ordered) {
      await acquire(resource, () => granted.has(resource), within);
      wait(run, resource);
    }
    return await work();
  } finally {
    for (const resource of ordered) {
      granted.delete(resource);
      wait(run, resource);
    }
    await CancellationScope.nonCancellable(() => Promise.all(ordered.map(release)));
  }
}

async function acquire(resource: string, isGranted: () => boolean, within: string | undefined): Promise<void> {
  const act = activitiesFor({ id: `lock-${resource}`, phase: 'lock', title: resource, kind: 'observe' });
  const until = within === undefined ? Infinity : Date.now() + durationMs(within);
  do {
    if (Date.now() >= until) throw failure('Busy', `${resource} was in use by another run for ${within ?? ''}.`);
    await act.requestLock({ resource });
  } while (!(await condition(isGranted, ASK_AGAIN_MS, { summary: `Waits for ${resource}` })));
}

async function release(resource: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(lockWorkflowId(resource)).signal(LOCK_RELEASE, {
      workflowId: workflowInfo().workflowId,
    });
  } catch {
    // The lock is gone: somebody terminated it, and its next incarnation knows nothing of us.
  }
}
