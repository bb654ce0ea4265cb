import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { LOCK_GRANTED, LOCK_QUEUED, LOCK_RELEASE, lockWorkflowId, type LockNews } from '../messages.ts';
import { activitiesFor } from './activities.ts';
import type { Run } from './run.ts';

/** Asked again this often until granted: a lock workflow that somebody terminated starts anew by that. */
const ASK_AGAIN_MS = 30_000;

/**
 * Runs `work` while this run holds every resource, taken in one order by everybody so that no two runs wait for
 * each other. Locks are given back whatever happens; one that cannot be given back is found free by its own check.
 */
export async function withLocks<T>(run: Run, resources: readonly string[], work: () => Promise<T>): Promise<T> {
  const granted = new Set<string>();
  setHandler(defineSignal<[LockNews]>(LOCK_GRANTED), ({ resource }) => {
    granted.add(resource);
  });
  setHandler(defineSignal<[LockNews]>(LOCK_QUEUED), ({ resource, holder }) => {
    if (!granted.has(resource)) run.waitFor([{ resource, holder }]);
  });
  const ordered = [...new Set(resources)].sort();
  try {
    for (const resource of ordered) {
      await acquire(resource, () => granted.has(resource));
      run.waitFor([]);
    }
    return await work();
  } finally {
    run.waitFor([]);
    await CancellationScope.nonCancellable(() => Promise.all(ordered.map(release)));
  }
}

async function acquire(resource: string, isGranted: () => boolean): Promise<void> {
  const act = activitiesFor({ id: `lock-${resource}`, phase: 'lock', title: resource, kind: 'observe' });
  do {
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
