import type { Fleet } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { inProject } from '../plan/projects.ts';
import { restorable, type RestorableCopy, type RestorableView } from '../plan/restorable.ts';
import type { ResticSourceScope } from '../plan/restic.ts';
import { createIncus } from '../tools/incus.ts';
import { createRestic } from '../tools/restic.ts';
import { zfsSnapshotDetails, type SnapshotDetails } from '../tools/zfs-snapshot-details.ts';
import type { RestorableInput } from '../workflows/messages.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { orTypedProblem } from './or-problem.ts';
import { resticFailure } from './restic-failure.ts';
import { hostOf, resticScope } from './restic-scope.ts';

/** What Incus calls the snapshots that it made, in ZFS: others are none that anything is restored from. */
const INCUS = 'snapshot-';
/** A repository that is away keeps restic trying for a quarter of an hour. */
const ASKED_MS = 45_000;

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
    seen.type === 'problem' ? [{ place, problem: seen.problem.message }] : [],
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
        copies.push(...snapshots.map((each) => copyOf(each, below, 'source', `${member} ${name}`)));
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
  return [...found].map(([name, { host, dataset }]) => ({
    name,
    look: async () => {
      const snapshots = await snapshotsBelow(deps.machines.receiver(fleet, host), dataset, signal);
      return snapshots.map((each) => copyOf(each, dataset, 'replica', name));
    },
  }));
}

/** Directly below; none where it is not there yet. */
async function snapshotsBelow(host: Host, dataset: string, signal: AbortSignal): Promise<SnapshotDetails[]> {
  const listed = await zfsSnapshotDetails(host, dataset, { signal });
  if (listed.type === 'not found') return [];
  if (listed.type !== 'snapshots') throw toolFailure(`zfs on ${host.name}`, listed);
  const isOwn = (name: string): boolean => name.lastIndexOf('/') === dataset.length;
  return listed.snapshots.filter((each) => isOwn(each.dataset) && each.name.startsWith(INCUS));
}

function copyOf(
  { dataset, name, createdAt }: SnapshotDetails,
  root: string,
  kind: 'source' | 'replica',
  place: string,
): RestorableCopy {
  // A source has its project always, a replica where that is another than `default`.
  const [, project = 'default', volume = ''] = /^(?:([^_]+)_)?(.*)$/.exec(dataset.slice(root.length + 1)) ?? [];
  return { of: inProject({ project, name: volume }), kind, place, snapshot: name.slice(INCUS.length), at: createdAt };
}

function repositories(deps: Deps, fleet: Fleet, signal: AbortSignal): Place[] {
  return resticScope(fleet).repositories.flatMap(({ repository, sources: all }) =>
    all.map((source) => ({
      name: `restic ${repository}`,
      look: () => snapshotsIn(hostOf(deps, fleet, source.place), source, signal),
    })),
  );
}

async function snapshotsIn(
  host: Host,
  { place, guest, tags, title, reads }: ResticSourceScope,
  signal: AbortSignal,
): Promise<RestorableCopy[]> {
  const asked = { ...place, hostname: guest, tag: tags.join(',') };
  const listed = await createRestic(host, { signal, timeoutMs: ASKED_MS }).snapshots(asked);
  if (listed.type !== 'snapshots') throw resticFailure(host, listed);
  const of = reads.type === 'volume' ? inProject({ project: reads.project, name: reads.volume }) : title;
  const ofPaths = (paths: readonly string[]): boolean =>
    reads.type === 'paths'
      ? paths.join('\n') === reads.paths.join('\n')
      : paths.some((path) => path.endsWith(`/${reads.project}_${reads.volume}`));
  return listed.snapshots
    .filter(({ paths }) => ofPaths(paths))
    .map(({ id, created }) => ({
      ...{ of, kind: 'restic', place: `restic ${place.repository}` },
      ...{ snapshot: id.slice(0, 8), at: new Date(created).toISOString() },
    }));
}
