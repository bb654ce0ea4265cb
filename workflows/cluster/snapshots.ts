import { durationMs } from '../../plan/duration.ts';
import type { InstanceState, UpgradeObservation } from '../../plan/observation.ts';
import type { UpgradeScope } from '../../plan/safe-upgrade.ts';
import type { RunRef } from '../../activities/contract.ts';
import type { Run } from '../support/run.ts';

/** A snapshot of every instance of the cluster, named after the run. Returns what is left of it, as a sentence. */
export async function snapshotAll(
  run: Run,
  ref: RunRef,
  scopes: readonly UpgradeScope[],
  observations: readonly UpgradeObservation[],
): Promise<string[]> {
  const instances = instancesOf(observations);
  const expiresAt = new Date(Date.now() + durationMs(scopes[0]?.policy.snapshotExpiry ?? '7d')).toISOString();
  for (const { project, name, location } of instances)
    await run.step(
      { id: `snapshot-${project}-${name}`, phase: 'snapshot', title: name, kind: 'act' },
      (act) =>
        act.snapshotInstance({ ...ref, member: location, project, instance: name, snapshot: ref.name, expiresAt }),
      () => ({ state: 'done', detail: `as ${ref.name}` }),
    );
  if (instances.length === 0) return [];
  const names = instances.map(({ name }) => name).join(', ');
  return [`Snapshots ${ref.name} of ${names} are kept until ${expiresAt.slice(0, 10)}.`];
}

/** Each member tells of its own; one that was asked for another's is not counted twice. */
export function instancesOf(observations: readonly UpgradeObservation[]): InstanceState[] {
  const instances = observations.flatMap((observation) => observation.instances);
  return [...new Map(instances.map((instance) => [`${instance.project}/${instance.name}`, instance])).values()];
}
