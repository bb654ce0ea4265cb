import { judgeBackups, type BackupsView, type SeenBackups } from '../plan/backups-view.ts';
import type { MeasuredBackups } from '../plan/backup-metrics.ts';
import { zfsProofs } from '../tools/zfs-proof.ts';
import type { FleetRef, GlanceInput } from '../workflows/messages.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { Deps } from './deps.ts';
import type { ActivityContext } from './guard.ts';
import { backupScope, observeBackup } from './observe-backup.ts';
import { orTypedProblem } from './or-problem.ts';
import { observeRepositories } from './restic-observe.ts';
import { resticScope } from './restic-scope.ts';

/** How old every copy is, seen where it is. */
export async function listBackups(
  deps: Deps,
  { fleet: ref }: GlanceInput,
  context: ActivityContext,
): Promise<BackupsView> {
  return (await measureCopies(deps, ref, context)).view;
}

/** The same beside the limits of the fleet file, as the worker's clone has it. */
export const measureBackups = async (deps: Deps, signal: AbortSignal): Promise<MeasuredBackups> =>
  measureCopies(deps, await deps.head(), { signal, attempt: 1, report: () => undefined });

async function measureCopies(deps: Deps, ref: FleetRef, context: ActivityContext): Promise<MeasuredBackups> {
  const fleet = await deps.fleetAt(ref);
  const scope = backupScope(fleet, undefined);
  const repositories = resticScope(fleet);
  const [observation, restic, proofs] = await Promise.all([
    observeBackup(deps, { fleet: ref, scope }, context),
    observeRepositories(deps, fleet, repositories, context),
    proofsOf(deps, fleet, context),
  ]);
  const seen = { scope, observation, resticScope: repositories, restic: { repositories: restic }, proofs };
  const { backupMaxAge: maxAge } = fleet.policies.upgrade;
  const view = judgeBackups(seen, { now: new Date().toISOString(), maxAge });
  return { view, restic: repositories, maxAge, proofMaxAge: scope.policy.drill.maxAge };
}

/** What is written down on each receiver; one that does not answer is left out. */
async function proofsOf({ machines }: Deps, fleet: Fleet, { signal }: ActivityContext): Promise<SeenBackups['proofs']> {
  const places = Object.values(fleet.backups).flatMap(({ to }) => to.filter((target) => target.type === 'zfs'));
  const found: SeenBackups['proofs'] = {};
  const look = async (name: string): Promise<void> => {
    const answer = await orTypedProblem(() => zfsProofs(machines.receiver(fleet, name), { signal }), signal);
    if (answer.type === 'value' && answer.value.type === 'proofs')
      found[name] = Object.fromEntries(answer.value.proofs);
  };
  await Promise.all([...new Set(places.map(({ member }) => member))].map(look));
  return found;
}
