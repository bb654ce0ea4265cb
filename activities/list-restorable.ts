import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { inProject } from '../plan/projects.ts';
import {
  resticTitle,
  restorable,
  volumeOfReplica,
  type RestorableCopy,
  type RestorableView,
} from '../plan/restorable.ts';
import type { ResticSourceScope } from '../plan/restic.ts';
import { createIncus } from '../tools/incus.ts';
import { zfsSnapshotSizes } from '../tools/zfs-sizes.ts';
import { zfsSnapshotDetails, type SnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import type { RestorableInput } from '../workflows/messages.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orTypedProblem } from './or-problem.ts';
import { hostOf, resticScope, TAG } from './restic-scope.ts';
import { resticSnapshots } from './restic-snapshots.ts';

/** What Incus calls the snapshots that it made, in ZFS: others are none that anything is restored from. */
const INCUS = 'snapshot-';

interface Place {
  name: string;
  look: () => Promise<RestorableCopy[]>;
}

/** Every snapshot of every volume, where it is. What does not answer is part of the answer. Changes nothing. */
export async function listRestorable(
  deps: Deps,
  { fleet: ref, volume }: RestorableInput,
  { signal }: ActivityContext,
): Promise<RestorableView> {
  const fleet = await deps.fleetAt(ref);
  const places = [
    ...sources(deps, fleet, signal),
    ...replicas(deps, fleet, signal),
    ...repositories(deps, fleet, signal),
  ];
  const looks = await Promise.all(
    places.map(async ({ name, look }) => ({ place: name, seen: await orTypedProblem(look, signal) })),
  );
  const copies = looks.flatMap(({ seen }) => (seen.type === 'value' ? seen.value : []));
  const silent = looks.flatMap(({ place, seen }) =>
    seen.type === 'problem' ? [{ place, problem: seen.problem }] : [],
  );
  return restorable(copies, silent, volume);
}

/** On the members, as far as they are the volumes' own. */
function sources(deps: Deps, fleet: Fleet, signal: AbortSignal): Place[] {
  return Object.keys(fleet.members).map((member) => ({
    name: member,
    look: async () => {
      const host = deps.machines.member(fleet, member);
      const incus = createIncus(host, { signal });
      const { pools } = expecting(await incus.storagePools(), 'storage pools', member);
      const copies: RestorableCopy[] = [];
      for (const { name } of pools.filter(({ driver }) => driver === 'zfs')) {
        const { dataset } = expecting(await incus.pool(name, member), 'pool', member);
        if (dataset === undefined) continue;
        const below = `${dataset}/custom`;
        const snapshots = await snapshotsBelow(host, below, signal);
        copies.push(
          ...snapshots.map((each) => copyOf(each, sourceVolume(each.dataset, below), 'source', `${member} ${name}`)),
        );
      }
      return copies;
    },
  }));
}

/** Also of what no member has any more. */
function replicas(deps: Deps, fleet: Fleet, signal: AbortSignal): Place[] {
  const found = new Map<string, { host: string; dataset: string }>();
  for (const { to } of Object.values(fleet.backups))
    for (const target of to)
      if (target.type === 'zfs')
        found.set(`${target.member} ${target.dataset}`, { host: target.member, dataset: target.dataset });
  const projects = Object.values(fleet.guests).map(({ project }) => project);
  return [...found].map(([name, { host, dataset }]) => ({
    name,
    look: async () => {
      const snapshots = await snapshotsBelow(deps.machines.receiver(fleet, host), dataset, signal);
      return snapshots.map((each) =>
        copyOf(each, volumeOfReplica(each.dataset.slice(dataset.length + 1), projects), 'replica', name),
      );
    },
  }));
}

/** Directly below; none where it is not there yet. */
async function snapshotsBelow(host: Host, dataset: string, signal: AbortSignal): Promise<Sized[]> {
  const listed = await zfsSnapshotDetails(host, dataset, { signal });
  if (listed.type === 'not found') return [];
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${host.name}`, listed);
  const sized = await zfsSnapshotSizes(host, dataset, { signal });
  if (sized.type !== 'sizes') throw toolFailure(`zfs on ${host.name}`, sized);
  const isOwn = (name: string): boolean => name.lastIndexOf('/') === dataset.length;
  return listed.snapshots
    .filter((each) => isOwn(each.dataset) && each.name.startsWith(INCUS))
    .map((each) => ({ ...each, bytes: sized.sizes.get(`${each.dataset}@${each.name}`) }));
}

/** One that was made in between has none. */
type Sized = SnapshotDetails & { bytes: number | undefined };

/** A project is always there, and has no `_` in its name. */
function sourceVolume(dataset: string, root: string): string {
  const [, project = 'default', name = ''] = /^([^_]+)_(.*)$/.exec(dataset.slice(root.length + 1)) ?? [];
  return inProject({ project, name });
}

function copyOf(
  { name, createdAt, bytes }: Sized,
  of: string,
  kind: 'source' | 'replica',
  place: string,
): RestorableCopy {
  const size = bytes === undefined ? {} : { bytes };
  return { of, kind, place, snapshot: name.slice(INCUS.length), at: createdAt, ...size };
}

/** One repository as one machine asks it for the snapshots of one guest. */
function repositories(deps: Deps, fleet: Fleet, signal: AbortSignal): Place[] {
  const found = new Map<string, { repository: string; sources: ResticSourceScope[] }>();
  for (const { repository, sources: all } of resticScope(fleet).repositories)
    for (const source of all) {
      const key = `${repository} ${source.guest} ${source.place.node}`;
      const asked = found.get(key) ?? { repository, sources: [] };
      found.set(key, asked);
      asked.sources.push(source);
    }
  return [...found.values()].map(({ repository, sources: all }) => ({
    name: `restic ${repository}`,
    look: () => snapshotsIn(deps, fleet, all, signal),
  }));
}

/** Also of what is declared no more. */
async function snapshotsIn(
  deps: Deps,
  fleet: Fleet,
  declared: readonly ResticSourceScope[],
  signal: AbortSignal,
): Promise<RestorableCopy[]> {
  const [first] = declared;
  if (first === undefined) return [];
  const { place } = first;
  const snapshots = await resticSnapshots(hostOf(deps, fleet, place), first, [TAG], signal);
  return snapshots.map((each) => ({
    ...{ of: resticTitle(each, declared), kind: 'restic', place: `restic ${place.repository}` },
    ...{ snapshot: each.id.slice(0, 8), at: new Date(each.created).toISOString() },
    ...(each.bytes === undefined ? {} : { bytes: each.bytes }),
  }));
}
