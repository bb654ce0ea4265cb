import type { Backup, Fleet } from '../fleet/schema.ts';
import { backupSnapshot, type SnapshotGroup } from '../plan/nightly-backup.ts';
import { durationMs } from '../plan/duration.ts';
import { inProject } from '../plan/projects.ts';
import { createGuestHooks, type HookEnd, type HooksOf } from '../tools/guest-hook.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { BackupSnapshots, RunRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure, toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';

/**
 * Snapshots of one guest's volumes, named after the run, between its hooks. An attempt that finds all of them does nothing;
 * one that finds some of them makes them anew: they are of one moment.
 */
export async function snapshotGroup(
  deps: Deps,
  { group, takenAt, ...run }: RunRef & { group: SnapshotGroup; takenAt: string },
  context: ActivityContext,
): Promise<BackupSnapshots> {
  const { signal, report } = context;
  const fleet = await deps.fleetAt(run.fleet);
  const declared = fleet.backups[group.backup];
  if (declared === undefined) throw failure('BadConfig', `runbook.yaml has no backup ${group.backup}.`);
  const incus = createIncus(deps.machines.member(fleet, group.member), { signal });
  const snapshot = backupSnapshot(run.name);
  const hooks = await hooksOf(deps, fleet, group, { run: run.name, hooks: declared.hooks, incus }, signal);
  const there = await existing(incus, group, snapshot);
  const isWhole = there.length === group.volumes.length;
  if (isWhole) {
    const end = await hooks.after();
    if (end.type === 'ran') return { made: 0, already: there.length };
    if (end.type !== 'too late') requireRan(end, `after of ${group.guest}`);
  }
  for (const volume of there) await remove(incus, group, volume, snapshot);
  const expiresAt = new Date(Date.parse(takenAt) + durationMs(declared.keepSnapshots)).toISOString();
  await orNone(incus, group, snapshot, () =>
    between(hooks, group, async () => {
      for (const { pool, project, name } of group.volumes) {
        report({ progress: `volume ${name}` });
        const ref = { pool, project, volume: name, member: group.member, snapshot, expiresAt };
        const made = await incus.createVolumeSnapshot(ref);
        if (made.type !== 'created' && made.type !== 'already there')
          throw toolFailure(`Snapshot ${snapshot} of volume ${name}`, made);
      }
    }),
  );
  const missing = group.volumes.length - (await existing(incus, group, snapshot)).length;
  if (missing > 0) throw failure('Unexpected', `Incus does not list ${missing} of the snapshots that it made.`);
  return { made: group.volumes.length, already: 0 };
}

/** What does not run has all its data on its disks, and nothing to be frozen. */
async function hooksOf(
  { machines }: Deps,
  fleet: Fleet,
  { guest, backup }: SnapshotGroup,
  { run, hooks, incus }: { run: string; hooks: Backup['hooks']; incus: Incus },
  signal: AbortSignal,
): Promise<HooksOf> {
  const { before, after, timeout } = hooks;
  const told = { id: `${run}-${backup.toLowerCase()}`, timeoutMs: durationMs(timeout) };
  const host = machines.node(fleet, guest);
  if (before === undefined && after === undefined) return createGuestHooks(host, told, { signal });
  const project = fleet.guests[guest]?.project ?? 'default';
  const state = await incus.instanceState(project, guest);
  if (state.type !== 'state') throw toolFailure(`The state of ${guest}`, state);
  const isRunning = state.status === 'Running';
  return createGuestHooks(host, { ...told, ...(isRunning ? { before, after } : {}) }, { signal });
}

type Volume = SnapshotGroup['volumes'][number];

async function existing(incus: Incus, { member, volumes }: SnapshotGroup, snapshot: string): Promise<Volume[]> {
  const found: Volume[] = [];
  for (const volume of volumes) {
    const { pool, project, name } = volume;
    const listed = await incus.volumeSnapshots({ pool, project, volume: name, member });
    if (listed.type !== 'snapshots') throw toolFailure(`Snapshots of volume ${inProject(volume)}`, listed);
    if (listed.snapshots.some((each) => each.name === snapshot)) found.push(volume);
  }
  return found;
}

async function remove(incus: Incus, { member }: SnapshotGroup, volume: Volume, snapshot: string): Promise<void> {
  const { pool, project, name } = volume;
  const gone = await incus.deleteVolumeSnapshot({ pool, project, volume: name, member, snapshot });
  if (gone.type === 'held') throw failure('Busy', gone.message);
  if (gone.type !== 'deleted' && gone.type !== 'already gone')
    throw toolFailure(`Deleting snapshot ${snapshot} of volume ${name}`, gone);
}

/** Snapshots that were not made between the hooks are none: the next night would send them. */
async function orNone(incus: Incus, group: SnapshotGroup, snapshot: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    for (const volume of group.volumes) await remove(incus, group, volume, snapshot);
    throw error;
  }
}

/** What is frozen is thawed whatever comes of it; that it could not be thawed is the worse of two mistakes. */
async function between(hooks: HooksOf, { guest }: SnapshotGroup, work: () => Promise<void>): Promise<void> {
  try {
    requireRan(await hooks.before(), `before of ${guest}`);
    await work();
  } finally {
    requireRan(await hooks.after(), `after of ${guest}`);
  }
}

function requireRan(end: HookEnd, which: string): void {
  switch (end.type) {
    case 'ran':
      return;
    case 'timed out':
      throw failure('HookFailed', `The hook ${which} did not end in its time.`);
    case 'too late':
      throw failure('Busy', `The snapshots took longer than the hooks allow, so ${which} ran before they were made.`);
    case 'failed':
      throw failure(
        'HookFailed',
        `The hook ${which} ended with ${end.exitCode}${end.message === '' ? '' : `: ${end.message}`}`,
      );
  }
}
