import type { Fleet } from '../fleet/schema.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { IncusSnapshot } from '../tools/incus-snapshots.ts';
import type { SnapshotActivities, InstanceRef, VolumeRef, RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { isRunName } from '../plan/run-name.ts';
import { startOn, stopForSure } from './stop-and-start.ts';

/** Snapshots through Incus, named after the run. */
export function createSnapshotActivities({ fleetAt, machines }: Deps): SnapshotActivities {
  const incusOf = async (
    { fleet: ref, member }: RunRef & { member: string },
    { signal }: ActivityContext,
  ): Promise<Incus> => {
    const fleet: Fleet = await fleetAt(ref);
    return createIncus(machines.member(fleet, member), { signal });
  };

  return {
    snapshotInstance: guarded(async (input, context) => {
      const incus = await incusOf(input, context);
      const created = await incus.createInstanceSnapshot(input);
      if (created.type !== 'created' && created.type !== 'already there')
        throw toolFailure(`Snapshot ${input.snapshot} of ${input.instance}`, created);
      await requireInstanceSnapshot(incus, input);
      return created.type;
    }),
    snapshotVolume: guarded(async (input, context) => {
      const incus = await incusOf(input, context);
      const created = await incus.createVolumeSnapshot(input);
      if (created.type !== 'created' && created.type !== 'already there')
        throw toolFailure(`Snapshot ${input.snapshot} of volume ${input.volume}`, created);
      await requireVolumeSnapshot(incus, input);
      return created.type;
    }),
    restoreInstance: guarded(async (input, context) => {
      await restoreAll(await incusOf(input, context), input);
    }),
    deleteInstanceSnapshot: guarded(async (input, context) => {
      requireOwn(input.snapshot);
      const deleted = await (await incusOf(input, context)).deleteInstanceSnapshot(input);
      if (deleted.type === 'held') throw failure('Busy', deleted.message);
      if (deleted.type !== 'deleted' && deleted.type !== 'already gone')
        throw toolFailure(`Deleting snapshot ${input.snapshot} of ${input.instance}`, deleted);
    }),
    deleteVolumeSnapshot: guarded(async (input, context) => {
      requireOwn(input.snapshot);
      const deleted = await (await incusOf(input, context)).deleteVolumeSnapshot(input);
      if (deleted.type === 'held') throw failure('Busy', deleted.message);
      if (deleted.type !== 'deleted' && deleted.type !== 'already gone')
        throw toolFailure(`Deleting snapshot ${input.snapshot} of volume ${input.volume}`, deleted);
    }),
    pruneSnapshots: guarded(async ({ scope, keepRuns, ...run }, context) => {
      const incus = await incusOf({ ...run, member: scope.member }, context);
      return prune(incus, scope.member, run.name, keepRuns);
    }),
  };
}

async function requireInstanceSnapshot(
  incus: Incus,
  { project, instance, snapshot }: InstanceRef & { snapshot: string },
): Promise<void> {
  const listed = await incus.instanceSnapshots(project, instance);
  if (listed.type !== 'snapshots') throw toolFailure(`Snapshots of ${instance}`, listed);
  if (!listed.snapshots.some(({ name }) => name === snapshot))
    throw failure('Unexpected', `Incus said that snapshot ${snapshot} of ${instance} was made, and does not list it.`);
}

async function requireVolumeSnapshot(incus: Incus, input: VolumeRef & { snapshot: string }): Promise<void> {
  const listed = await incus.volumeSnapshots(input);
  if (listed.type !== 'snapshots') throw toolFailure(`Snapshots of volume ${input.volume}`, listed);
  if (!listed.snapshots.some(({ name }) => name === input.snapshot))
    throw failure(
      'Unexpected',
      `Incus said that snapshot ${input.snapshot} of volume ${input.volume} was made, and does not list it.`,
    );
}

/** Stops, reverts volumes and disk, starts. Called again it reverts again, which loses nothing that counts. */
async function restoreAll(
  incus: Incus,
  input: InstanceRef & { snapshot: string; volumes: { pool: string; name: string }[] },
): Promise<void> {
  const { project, instance, snapshot, member, volumes } = input;
  await requireInstanceSnapshot(incus, input);
  for (const { pool, name } of volumes) await requireVolumeSnapshot(incus, { ...input, pool, volume: name });
  // A volume can only be reverted while nothing has it attached and running.
  await stopForSure(incus, { project, name: instance });
  for (const { pool, name } of volumes) {
    const restored = await incus.restoreVolumeSnapshot({ pool, project, volume: name, member, snapshot });
    if (restored.type === 'blocked') throw failure('Unexpected', `Volume ${name}: ${restored.message}`);
    if (restored.type !== 'restored') throw toolFailure(`Reverting volume ${name}`, restored);
  }
  const restored = await incus.restoreInstanceSnapshot({ project, instance, snapshot });
  if (restored.type === 'blocked') throw failure('Unexpected', `${instance}: ${restored.message}`);
  if (restored.type !== 'restored') throw toolFailure(`Reverting ${instance}`, restored);
  await startOn(incus, { project, name: instance }, member);
}

/** Nothing is ever deleted that a run of runbook did not make. */
function requireOwn(snapshot: string): void {
  if (!isRunName(snapshot)) throw failure('Unexpected', `${snapshot} is not the name of a run, so it is not deleted.`);
}

/** Per instance and volume of the member: the newest `keepRuns` earlier runs stay, and this run's own. */
async function prune(incus: Incus, member: string, current: string, keepRuns: number): Promise<string[]> {
  const deleted: string[] = [];
  const listed = await incus.instances();
  if (listed.type !== 'instances') throw toolFailure('Listing instances', listed);
  for (const { project, name: instance, volumes } of listed.instances.filter(({ location }) => location === member)) {
    const own = await incus.instanceSnapshots(project, instance);
    if (own.type !== 'snapshots') throw toolFailure(`Snapshots of ${instance}`, own);
    for (const snapshot of outdated(own.snapshots, current, keepRuns)) {
      const gone = await incus.deleteInstanceSnapshot({ project, instance, snapshot });
      if (gone.type === 'deleted') deleted.push(`${instance}/${snapshot}`);
    }
    for (const { pool, name: volume } of volumes) {
      const ref = { pool, project, volume, member };
      const theirs = await incus.volumeSnapshots(ref);
      if (theirs.type !== 'snapshots') throw toolFailure(`Snapshots of volume ${volume}`, theirs);
      for (const snapshot of outdated(theirs.snapshots, current, keepRuns)) {
        const gone = await incus.deleteVolumeSnapshot({ ...ref, snapshot });
        if (gone.type === 'deleted') deleted.push(`${volume}/${snapshot}`);
      }
    }
  }
  return deleted;
}

/** Run names begin with their date, so they sort by age. One without an expiry is none of a run's, whatever its name. */
function outdated(snapshots: readonly IncusSnapshot[], current: string, keepRuns: number): string[] {
  return snapshots
    .filter(({ name, expires }) => expires !== undefined && isRunName(name) && name !== current)
    .map(({ name }) => name)
    .sort()
    .slice(0, -keepRuns);
}
