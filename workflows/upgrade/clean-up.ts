import { describeFailure } from '../support/failures.ts';
import { removeOwnSnapshots } from './snapshots.ts';
import { changedAnything, remember, type Upgrade } from './upgrade.ts';

/** After success. What cannot be cleaned up is a warning: the upgrade itself stands. */
export async function cleanUp(upgrade: Upgrade): Promise<void> {
  try {
    await releaseImages(upgrade);
    if (changedAnything(upgrade)) await pruneSnapshots(upgrade);
    else await removeOwnSnapshots(upgrade);
  } catch (error) {
    upgrade.run.warn(`Snapshots were not cleaned up: ${describeFailure(error).message}`);
  }
}

/** After the way back: what runs again needs no name of the run's, and a retry notes it anew. */
export async function forgetImages(upgrade: Upgrade): Promise<void> {
  try {
    await releaseImages(upgrade);
    upgrade.begun.images.clear();
    remember(upgrade);
  } catch (error) {
    upgrade.run.warn(`The names of the former images were not removed: ${describeFailure(error).message}`);
  }
}

async function releaseImages({ run, ref, begun }: Upgrade): Promise<void> {
  for (const [guest, before] of begun.images)
    await run.step(
      { id: `release-${guest}`, phase: 'clean up', title: `${guest}: former images`, kind: 'act' },
      (act) => act.releaseImages({ ...ref, node: guest, before }),
      () => ({ state: 'done' }),
    );
}

async function pruneSnapshots({ run, ref, scope }: Upgrade): Promise<void> {
  await run.step(
    { id: 'prune', phase: 'clean up', title: 'snapshots of earlier runs', kind: 'act' },
    (act) => act.pruneSnapshots({ ...ref, scope, keepRuns: scope.policy.keepRuns }),
    (deleted) => ({
      state: deleted.length === 0 ? 'already' : 'done',
      detail: deleted.length === 0 ? 'none to delete' : `deleted ${deleted.length}`,
    }),
  );
}

/** What the run's ended jobs left on worker and hosts, whatever the run came to. */
export async function forgetJobs({ run, ref, scope }: Upgrade): Promise<void> {
  try {
    await run.step(
      { id: 'forget-jobs', phase: 'clean up', title: 'job records', kind: 'observe' },
      (act) => act.forgetJobs({ ...ref, nodes: scope.targets.map(({ node }) => node) }),
      (kept) => ({ state: 'done', ...(kept.length > 0 ? { detail: kept.join('; ') } : {}) }),
    );
  } catch (error) {
    run.warn(`Job records were not removed: ${describeFailure(error).message}`);
  }
}
