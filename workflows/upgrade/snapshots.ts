import type { InstanceState } from '../../plan/observation.ts';
import { remember, type Upgrade } from './upgrade.ts';

/** A snapshot of each affected instance and of its custom volumes, made through Incus, with an expiry. */
export async function takeSnapshots(upgrade: Upgrade): Promise<void> {
  upgrade.begun.snapshots = true;
  remember(upgrade);
  for (const instance of upgrade.plan.instances) {
    await snapshotInstance(upgrade, instance);
    for (const volume of instance.volumes) await snapshotVolume(upgrade, instance, volume);
  }
}

async function snapshotInstance(upgrade: Upgrade, { project, name }: InstanceState): Promise<void> {
  const { run, ref, scope, snapshotsUntil: expiresAt } = upgrade;
  await run.step(
    { id: `snapshot-${project}-${name}`, phase: 'snapshot', title: name, kind: 'act' },
    (act) =>
      act.snapshotInstance({ ...ref, member: scope.member, project, instance: name, snapshot: ref.name, expiresAt }),
    () => ({ state: 'done', detail: `as ${ref.name}` }),
  );
}

async function snapshotVolume(
  upgrade: Upgrade,
  { project }: InstanceState,
  { pool, name }: { pool: string; name: string },
): Promise<void> {
  const { run, ref, scope, snapshotsUntil: expiresAt } = upgrade;
  const target = { ...ref, member: scope.member, project, pool, volume: name };
  await run.step(
    { id: `snapshot-volume-${pool}-${name}`, phase: 'snapshot', title: `volume ${name}`, kind: 'act' },
    (act) => act.snapshotVolume({ ...target, snapshot: ref.name, expiresAt }),
    () => ({ state: 'done', detail: `as ${ref.name}` }),
  );
}

/** Where nothing was changed after all, this run's own snapshots are of no use. */
export async function removeOwnSnapshots({ run, ref, scope, plan }: Upgrade): Promise<void> {
  await run.step(
    { id: 'remove-snapshots', phase: 'clean up', title: 'snapshots of this run', kind: 'act' },
    async (act) => {
      for (const { project, name, volumes } of plan.instances) {
        const place = { ...ref, member: scope.member, project, snapshot: ref.name };
        await act.deleteInstanceSnapshot({ ...place, instance: name });
        for (const volume of volumes)
          await act.deleteVolumeSnapshot({ ...place, pool: volume.pool, volume: volume.name });
      }
    },
    () => ({ state: 'done', detail: 'removed, nothing was changed' }),
  );
}
