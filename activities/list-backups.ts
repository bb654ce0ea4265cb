import { judgeBackups, type BackupsView } from '../plan/backups-view.ts';
import type { GlanceInput } from '../workflows/messages.ts';
import type { Deps } from './deps.ts';
import type { ActivityContext } from './guard.ts';
import { backupScope, observeBackup } from './observe-backup.ts';
import { observeRepositories } from './restic-observe.ts';
import { resticScope } from './restic-scope.ts';

/** How old every copy is, seen where it is. */
export async function listBackups(
  deps: Deps,
  { fleet: ref }: GlanceInput,
  context: ActivityContext,
): Promise<BackupsView> {
  const fleet = await deps.fleetAt(ref);
  const scope = backupScope(fleet, undefined);
  const repositories = resticScope(fleet);
  const [observation, restic] = await Promise.all([
    observeBackup(deps, { fleet: ref, scope }, context),
    observeRepositories(deps, fleet, repositories, context),
  ]);
  const seen = { scope, observation, resticScope: repositories, restic: { repositories: restic } };
  const { backupMaxAge: maxAge } = fleet.policies.upgrade;
  return judgeBackups(seen, { now: new Date().toISOString(), maxAge });
}
