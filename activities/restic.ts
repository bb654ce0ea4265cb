import type { ResticActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';
import { backUpToRestic } from './restic-backup.ts';
import { maintainRestic } from './restic-maintenance.ts';
import { observeRepositories } from './restic-observe.ts';
import { restoreFromRestic } from './restic-restore.ts';
import { resticScope } from './restic-scope.ts';

/** Backups to restic repositories, and what repositories need to stay good. */
export function createResticActivities(deps: Deps): ResticActivities {
  return {
    resolveRestic: guarded(async ({ fleet }) => resticScope(await deps.fleetAt(fleet))),
    observeRestic: guarded(async ({ fleet: ref }, context) => {
      const fleet = await deps.fleetAt(ref);
      return { repositories: await observeRepositories(deps, fleet, resticScope(fleet), context) };
    }),
    backUpToRestic: guarded((input, context) => backUpToRestic(deps, input, context)),
    maintainRestic: guarded((input, context) => maintainRestic(deps, input, context)),
    restoreFromRestic: guarded((input, context) => restoreFromRestic(deps, input, context)),
  };
}
