import type { Host } from '../hosts/host.ts';
import type { Problem } from '../plan/problem.ts';
import { inProject } from '../plan/projects.ts';
import { isUnderWay, type Restoration } from '../plan/restore.ts';
import { writtenPlace, type InPlace, type VolumeUser } from '../plan/restore-in-place.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import { createZfsDatasets, type ZfsDatasets } from '../tools/zfs-datasets.ts';
import type { ReplicationDataset } from '../tools/zfs-inventory.ts';
import { MARKS } from '../tools/zfs-kept.ts';
import type { InPlaceActivities, Reached, RestorationRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure, toolFailure } from './failure.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { RESTORED, targetOn, usersOf } from './observe-restore.ts';
import { orTypedProblem } from './or-problem.ts';
import { datasetOn } from './replica-facts.ts';
import { becomeOwn, setOn } from './restored-volume.ts';
import { startOn, stopForSure } from './stop-and-start.ts';

/** What Incus and people set on the dataset of a volume; everything else came with the copy, or is ZFS's own. */
const KEPT_PROPERTIES = new Set(
  `quota refquota reservation refreservation mountpoint canmount volmode snapdir atime relatime compression recordsize sync
   logbias primarycache secondarycache xattr acltype exec devices setuid dedup copies`.split(/\s+/),
);

/** In the end Incus lists it no more; of a run that somebody has terminated it does so by itself. What is aside stays. */
const LISTED_MS = 30 * 24 * 3_600_000;

/** Some seconds: a guest that was just stopped lets go. Who has started one keeps it, and the others are down meanwhile. */
const ATTEMPTS_IN_USE = 4;

interface Work {
  run: string;
  restoration: Restoration;
  inPlace: InPlace;
  host: Host;
  incus: Incus;
  zfs: ZfsDatasets;
  signal: AbortSignal;
  attempt: number;
}

/** A restored volume in the place of the original: two renames in ZFS, of which Incus knows nothing. */
export function createInPlaceActivities(deps: Deps): InPlaceActivities {
  const workOf = async (
    { fleet: ref, name: run, restoration }: RestorationRef,
    { signal, attempt }: ActivityContext,
  ): Promise<Work> => {
    const { inPlace, member } = restoration;
    if (inPlace === undefined) throw failure('Unexpected', `${restoration.name} is not to take the place of anything.`);
    const host = deps.machines.member(await deps.fleetAt(ref), member);
    const tools = { incus: createIncus(host, { signal }), zfs: createZfsDatasets(host, { signal }) };
    return { run, restoration, inPlace, host, ...tools, signal, attempt };
  };

  return {
    makeReady: guarded(async (input, context) => {
      const { host, restoration, signal } = await workOf(input, context);
      return becomeOwn(host, restoration, signal);
    }),
    usersOfVolume: guarded(async (input, context) => {
      const { incus, restoration } = await workOf(input, context);
      return usersOf(await deps.fleetAt(input.fleet), incus, restoration);
    }),
    stopUsers: guarded(async ({ users, ...input }, context) => {
      const { incus } = await workOf(input, context);
      for (const user of users) {
        context.report({ progress: inProject(user) });
        await stopForSure(incus, user);
      }
    }),
    startUsers: guarded(async ({ users, ...input }, context) => {
      const { incus, restoration } = await workOf(input, context);
      const { member } = restoration;
      const problems: Problem[] = [];
      // Each, whatever became of the one before.
      for (const user of users) {
        context.report({ progress: inProject(user) });
        const started = await orTypedProblem(() => startOn(incus, user, member), context.signal);
        if (started.type === 'problem') problems.push(started.problem);
      }
      const [first] = problems;
      if (first !== undefined) throw failure(first.type, problems.map(({ message }) => message).join(' '));
      const now = await usersOf(await deps.fleetAt(input.fleet), incus, restoration);
      const down = users.filter(
        ({ project, name }) => now.find((each) => each.project === project && each.name === name)?.status !== 'Running',
      );
      if (down.length > 0) throw failure('Unhealthy', `Does not run: ${down.map(inProject).join(', ')}.`);
    }),
    takePlace: guarded(async ({ at, ...input }, context) => {
      const work = await workOf(input, context);
      return takePlace(work, at, async () => usersOf(await deps.fleetAt(input.fleet), work.incus, work.restoration));
    }),
    putOriginalBack: guarded(async (input, context) => {
      const work = await workOf(input, context);
      return putOriginalBack(work, async () => usersOf(await deps.fleetAt(input.fleet), work.incus, work.restoration));
    }),
    settleInPlace: guarded(async (input, context) => settle(await workOf(input, context))),
  };
}

async function takePlace(work: Work, at: string, users: () => Promise<VolumeUser[]>): Promise<Reached> {
  const { restoration, inPlace, host, zfs } = work;
  if (await hasPlace(work)) return 'already';
  if (!(await isRestored(work, restoration.dataset)))
    throw failure('Unexpected', `${host.name} has no ${restoration.dataset} that a restore has received.`);
  if (inPlace.aside !== undefined) await setAside(work, inPlace.aside, at, users);
  expecting(await zfs.rename(restoration.dataset, inPlace.dataset), 'renamed', host.name);
  if (!(await hasPlace(work)))
    throw failure('Unexpected', `It was renamed, and ${inPlace.dataset} is not what was restored.`);
  return 'done';
}

async function isRestored({ restoration, host, signal }: Work, dataset: string): Promise<boolean> {
  const seen = await targetOn(host, dataset, signal);
  return seen !== undefined && isUnderWay(seen, restoration.snapshot.guid);
}

/** Its snapshot may be gone by now: it expired, or somebody deleted it. The mark stays. */
async function isMarked({ restoration, host, signal }: Work, dataset: string): Promise<boolean> {
  return (await targetOn(host, dataset, signal))?.restored === restoration.snapshot.guid;
}

/**
 * Whether the copy of this run is where the original was. The mark alone does not say so: the original may have it of an earlier
 * restore of the same snapshot, whose end was cut off.
 */
async function hasPlace(work: Work): Promise<boolean> {
  const { restoration, inPlace, host, signal } = work;
  if (!(await isMarked(work, inPlace.dataset))) return false;
  if ((await targetOn(host, restoration.dataset, signal)) !== undefined) return false;
  return inPlace.aside === undefined || (await datasetOn(host, inPlace.aside, signal)) !== undefined;
}

type InUse = 'Busy' | 'GateRefused';

function requireUnmounted({ name, mounted }: ReplicationDataset, host: Host, inUse: InUse): void {
  if (mounted) throw failure(inUse, `${name} on ${host.name} is mounted still: somebody uses it.`);
}

/** A block volume has no mount that tells: a virtual machine would go on writing into what was renamed under it. */
async function requireUnused(users: () => Promise<VolumeUser[]>, inUse: InUse): Promise<void> {
  const up = (await users()).filter(({ status }) => status !== 'Stopped');
  if (up.length > 0) throw failure(inUse, `It is used again: ${up.map(inProject).join(', ')}.`);
}

/** With a snapshot of what it is at that moment; what was set on it is set on what takes its place. */
async function setAside(work: Work, aside: string, at: string, users: () => Promise<VolumeUser[]>): Promise<void> {
  const { run, restoration, inPlace, host, incus, zfs, signal } = work;
  const there = await datasetOn(host, inPlace.dataset, signal);
  if (there !== undefined) {
    requireUnmounted(there, host, 'Busy');
    await requireUnused(users, 'Busy');
    const expiresAt = new Date(Date.parse(at) + LISTED_MS).toISOString();
    const made = await incus.createVolumeSnapshot({ ...recordOf(restoration), snapshot: run, expiresAt });
    if (made.type !== 'created' && made.type !== 'already there') throw toolFailure(`incus on ${host.name}`, made);
    expecting(await zfs.rename(inPlace.dataset, aside), 'renamed', host.name);
  }
  const marks = {
    [MARKS.run]: run,
    [MARKS.from]: inPlace.dataset,
    [MARKS.at]: at,
    [MARKS.why]: `${restoration.volume} was restored as it was at ${restoration.snapshot.createdAt}`,
  };
  expecting(await zfs.setProperties(aside, marks), 'set', host.name);
  const set = await propertiesOf(zfs, host, aside);
  const now = await propertiesOf(zfs, host, restoration.dataset);
  const missing = Object.entries(set).filter(([name, value]) => now[name] !== value);
  if (missing.length > 0) await setOn(host, restoration.dataset, Object.fromEntries(missing), signal);
}

/** Those of users too, as `incus:content_type`; runbook's own say something of one dataset only. */
async function propertiesOf(zfs: ZfsDatasets, host: Host, dataset: string): Promise<Record<string, string>> {
  const { properties } = expecting(await zfs.localProperties(dataset), 'properties', host.name);
  return Object.fromEntries(
    Object.entries(properties).filter(
      ([name]) => KEPT_PROPERTIES.has(name) || (name.includes(':') && !name.startsWith('runbook:')),
    ),
  );
}

const recordOf = ({ pool, project, volume, member }: Restoration) => ({ pool, project, volume, member });

async function putOriginalBack(work: Work, users: () => Promise<VolumeUser[]>): Promise<boolean> {
  const { run, restoration, inPlace, host, zfs, signal } = work;
  const { dataset, aside } = inPlace;
  const there = await targetOn(host, dataset, signal);
  const isReplaced = await hasPlace(work);
  if (isReplaced) {
    // Somebody may have started a guest since they were stopped.
    const own = await datasetOn(host, dataset, signal);
    const inUse = work.attempt < ATTEMPTS_IN_USE ? 'Busy' : 'GateRefused';
    if (own !== undefined) requireUnmounted(own, host, inUse);
    await requireUnused(users, inUse);
    expecting(await zfs.rename(dataset, restoration.dataset), 'renamed', host.name);
  }
  if (aside !== undefined) {
    const isAway = there === undefined || isReplaced;
    if ((await zfs.tree(aside)).type === 'datasets') {
      // Nobody is to believe that it is back, and release what is aside.
      if (!isAway)
        throw failure('Unexpected', `${dataset} on ${host.name} is not what this run put there: ${aside} stays.`);
      expecting(await zfs.rename(aside, dataset), 'renamed', host.name);
    }
    await forgetAside(zfs, host, dataset, run);
    await forgetSnapshot(work, run);
  }
  return isAsCopied(work);
}

/** It is what it was before, and nothing that is kept. */
async function forgetAside(zfs: ZfsDatasets, host: Host, dataset: string, run: string): Promise<void> {
  const { properties } = expecting(await zfs.localProperties(dataset), 'properties', host.name);
  if (properties[MARKS.run] !== run) return;
  // The one that says so at the end: until then it is done again.
  const marks = [MARKS.from, MARKS.at, MARKS.why, MARKS.run].filter((mark) => mark in properties);
  expecting(await zfs.clearProperties(dataset, marks), 'cleared', host.name);
}

const isOnly = (guid: string, { snapshots }: ReplicationDataset): boolean =>
  snapshots.length > 0 && snapshots.every((each) => each.guid === guid);

/** What guests have written to it is nowhere else: no run goes on with that, and it is kept. So is one that lost its snapshot. */
async function isAsCopied(work: Work): Promise<boolean> {
  const { run, restoration, inPlace, host, zfs, signal } = work;
  const { dataset, snapshot } = restoration;
  const isThere = await isMarked(work, dataset);
  const own = isThere ? await datasetOn(host, dataset, signal) : undefined;
  if (own?.writtenBytes === 0 && isOnly(snapshot.guid, own)) return true;
  if (inPlace.aside === undefined) {
    if (isThere) await setOn(host, dataset, { [RESTORED]: run }, signal);
    return false;
  }
  const kept = writtenPlace(inPlace.aside);
  if (isThere) expecting(await zfs.rename(dataset, kept), 'renamed', host.name);
  else if ((await datasetOn(host, kept, signal)) === undefined) return false;
  const why = `what was written to ${restoration.volume} while it was as of ${snapshot.createdAt}`;
  const at = new Date().toISOString();
  const marks = { [MARKS.run]: run, [MARKS.from]: inPlace.dataset, [MARKS.at]: at, [MARKS.why]: why };
  await setOn(host, kept, { ...marks, [RESTORED]: run }, signal);
  return false;
}

/** Incus knows snapshots of the original that are aside now: it would offer them, and could not go back to any. */
async function settle(work: Work): Promise<string[]> {
  const { run, restoration, inPlace, host, incus, signal } = work;
  // The records first: what is made meanwhile has its data.
  const { snapshots } = expecting(await incus.volumeSnapshots(recordOf(restoration)), 'snapshots', host.name);
  const there = await datasetOn(host, inPlace.dataset, signal);
  if (there === undefined) throw failure('Unhealthy', `${host.name} has no ${inPlace.dataset}.`);
  const names = new Set(there.snapshots.map(({ name }) => name));
  const lost = snapshots.map(({ name }) => name).filter((name) => !names.has(`snapshot-${name}`));
  for (const snapshot of lost) await forgetSnapshot(work, snapshot);
  await setOn(host, inPlace.dataset, { [RESTORED]: run }, signal);
  return lost;
}

/** With its data, where it has any in that place. */
async function forgetSnapshot({ restoration, host, incus }: Work, snapshot: string): Promise<void> {
  const gone = await incus.deleteVolumeSnapshot({ ...recordOf(restoration), snapshot });
  if (gone.type === 'held') throw failure('Busy', `Snapshot ${snapshot} of ${restoration.volume}: ${gone.message}`);
  if (gone.type !== 'deleted' && gone.type !== 'already gone') throw toolFailure(`incus on ${host.name}`, gone);
}
