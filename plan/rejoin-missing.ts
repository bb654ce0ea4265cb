import { gigabytes } from './bytes.ts';
import { count } from './count.ts';
import { ageOf, formatAge } from './duration.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import { inProject, instanceOnDisk } from './projects.ts';
import type { Missing, MissingInstance, MissingVolume, RejoinScope } from './rejoin.ts';
import { dated, newestOf, volumeDataset, type Restoration } from './restore.ts';
import { asSentence } from './sentence.ts';

/** An instance that is made anew of its image: its own disk has nothing of what was on it. */
export interface Remade {
  project: string;
  name: string;
  /** Fingerprint. */
  image: string;
}

/** What of the missing comes back, and what does not. */
export interface MissingPlan {
  receive: Restoration[];
  /** The same for people: of when, how old, how large. */
  words: string[];
  remake: Remade[];
  /** Not received, and restic has files of their guests: by their entries of `backups`. */
  inRestic: { volume: string; entries: string[] }[];
  /** Not received now: somewhere nobody could look. */
  unseen: { volume: string; where: string[] }[];
  /** No copy of them is known. */
  lost: string[];
  /** And why not. */
  notRemade: { instance: MissingInstance; why: string; isAside?: true }[];
  gates: GateOf<'copy' | 'space' | 'guest'>[];
}

const { passed, refused, warning } = gateWords<'copy' | 'space' | 'guest'>();

/** Volumes from the newest of their replicas, instances from their images. Pure. */
export function planMissing(
  scope: RejoinScope,
  { volumes, instances, waiting = [], rooms, at: now }: Missing,
): MissingPlan {
  const found = volumes.map((volume) => ({ volume, copy: copyOf(volume) }));
  const plan: MissingPlan = {
    receive: [],
    words: [],
    remake: [],
    inRestic: [],
    unseen: [],
    lost: [],
    notRemade: [],
    gates: [],
  };
  const needed = new Map<string, number>();
  for (const { volume, copy } of found) {
    plan.gates.push(...silentPlaces(volume));
    const name = titleOf(volume);
    if (copy !== undefined) {
      plan.receive.push(restorationOf(scope, volume, copy));
      needed.set(volume.pool, (needed.get(volume.pool) ?? 0) + toCome(volume, copy));
      plan.words.push(`${name} ${copyWords(copy, now)}`);
      plan.gates.push(passed('copy', `${name} comes back ${copyWords(copy, now)}`));
      if (copy.found.encrypted) plan.gates.push(keyIsNeeded(name));
      continue;
    }
    const where = volume.replicas.flatMap(({ host, dataset, problem }) =>
      problem === undefined ? [] : `${host} ${dataset}`,
    );
    if (where.length > 0) plan.unseen.push({ volume: name, where });
    else if (volume.restic.length > 0) plan.inRestic.push({ volume: name, entries: volume.restic });
    else plan.lost.push(name);
    plan.gates.push(withoutCopy(volume, where));
  }
  const back = new Set(plan.receive.map(({ pool, name }) => `${pool}/${name}`));
  const gone = volumes.map(({ pool, name }) => `${pool}/${name}`).filter((name) => !back.has(name));
  for (const instance of instances) {
    const why = whyNot(instance, gone);
    if (why === undefined) plan.remake.push({ ...nameOf(instance), image: instance.image ?? '' });
    else plan.notRemade.push({ instance, why });
    plan.gates.push(
      why === undefined
        ? warning('guest', `${inProject(instance)} is made anew of its image: what was on its own disk is lost.`)
        : warning('guest', `${inProject(instance)} is not made anew: ${why}.`),
    );
  }
  for (const instance of waiting) {
    const why = without(instance, gone);
    if (why === undefined) continue;
    plan.notRemade.push({ instance, why, isAside: true });
    plan.gates.push(warning('guest', `${inProject(instance)} stays set aside, with its own disk: ${why}.`));
  }
  plan.gates.push(...[...needed].map(([pool, bytes]) => space(scope, pool, bytes, rooms)));
  return plan;
}

/** What stays set aside, by its names below the dataset of its pool. */
export const leftAside = ({ notRemade }: Pick<MissingPlan, 'notRemade'>): string[] =>
  notRemade.flatMap(({ instance, isAside }) => {
    const name = instanceOnDisk(instance);
    return isAside === true ? [`containers/${name}`, `virtual-machines/${name}`, `virtual-machines/${name}.block`] : [];
  });

/** One that was begun with is gone on with, as long as a replica has it: what has arrived is of no other. */
function copyOf({ replicas, begun }: MissingVolume): Copy | undefined {
  const same = replicas.filter(({ found }) => found?.fitting !== undefined && found.fitting.guid === begun);
  return newestOf(same) ?? newestOf(replicas);
}

type Copy = NonNullable<ReturnType<typeof newestOf>>;

/** What has arrived is no free space any more, and does not come again. */
const toCome = ({ arrivedBytes = 0 }: MissingVolume, { found }: Copy): number =>
  Math.max(0, found.usedBytes - arrivedBytes);

const titleOf = ({ pool, ...volume }: MissingVolume): string => `${pool}/${inProject(volume)}`;
const nameOf = ({ project, name }: MissingInstance): { project: string; name: string } => ({ project, name });

/** `of 2026-11-20 02:14 UTC, 4 h old, 12.3 GB, from nuc-1 tank/replicas/edge-data` */
function copyWords({ host, dataset, found: { fitting, usedBytes } }: Copy, now: string): string {
  const age = formatAge(ageOf(fitting.createdAt, now));
  return `of ${dated(fitting.createdAt)}, ${age} old, ${gigabytes(usedBytes)}, from ${host} ${dataset}`;
}

function restorationOf({ member, pools }: RejoinScope, volume: MissingVolume, copy: Copy): Restoration {
  const { pool, project, name } = volume;
  const dataset = pools.find((each) => each.name === pool)?.dataset ?? pool;
  return {
    ...{ project, volume: name, name, member, pool, dataset: volumeDataset(dataset, { project, name }) },
    from: { host: copy.host, dataset: copy.dataset },
    snapshot: copy.found.fitting,
    ...{ kind: copy.found.kind, raw: copy.found.encrypted },
  };
}

const keyIsNeeded = (name: string): MissingPlan['gates'][number] =>
  warning(
    'copy',
    `${name} is encrypted, and so is what arrives: it ends there, until its key is loaded on the member.`,
  );

const silentPlaces = ({ replicas, ...volume }: MissingVolume): MissingPlan['gates'] =>
  replicas.flatMap(({ host, dataset, problem }) =>
    problem === undefined
      ? []
      : warning(
          'copy',
          `${titleOf({ ...volume, replicas })}: ${host} ${dataset} was not looked at: ${asSentence(problem.message)}`,
          problem.whatToDo,
        ),
  );

function withoutCopy(volume: MissingVolume, where: readonly string[]): MissingPlan['gates'][number] {
  const name = titleOf(volume);
  if (where.length > 0)
    return warning('copy', `${name} does not come back: no place that was looked at has a replica of it.`);
  return volume.restic.length > 0
    ? warning('copy', `${name} does not come back by itself: there is no replica, and restic has files of its guest.`)
    : warning('copy', `${name} is lost: no copy of it is known.`);
}

function whyNot({ isRecorded, image, volumes }: MissingInstance, gone: readonly string[]): string | undefined {
  if (!isRecorded) return 'the cluster has forgotten how it was configured';
  return (
    without({ volumes }, gone) ??
    (image === undefined ? 'no other member has the image that it was made of' : undefined)
  );
}

function without({ volumes }: Pick<MissingInstance, 'volumes'>, gone: readonly string[]): string | undefined {
  const names = volumes.map(({ pool, name }) => `${pool}/${name}`).filter((name) => gone.includes(name));
  if (names.length === 0) return undefined;
  return `it has ${count(names.length, 'volume')} that ${names.length === 1 ? 'does' : 'do'} not come back: ${names.join(', ')}`;
}

function space(
  { member }: RejoinScope,
  pool: string,
  bytes: number,
  rooms: Missing['rooms'],
): MissingPlan['gates'][number] {
  const room = rooms.find((each) => each.pool === pool);
  if (room?.bytes === undefined)
    return refused(
      'space',
      `Pool ${pool} of ${member} can take nothing: ${asSentence(room?.problem ?? 'it was not looked at')}`,
      `See zpool status on ${member}, then start this again.`,
    );
  if (bytes <= room.bytes) return passed('space', `${gigabytes(bytes)} fit into pool ${pool}`);
  return refused(
    'space',
    `What comes back to pool ${pool} has ${gigabytes(bytes)}, and ${member} has room for ${gigabytes(Math.max(0, room.bytes))}.`,
    `Give its zpool larger disks, or lower policies.backup.minFreeSpace.`,
  );
}

/** For the one who has to say yes: what comes back, and by name what does not. */
export const missingWords = ({ words, remake, inRestic, unseen, lost, notRemade }: MissingPlan): string[] => [
  ...listed('Received back from their replicas', words),
  ...listed('Made anew of their images, without what was on their own disks', remake.map(inProject)),
  ...listed(
    'Without a replica: restic has files of its guest, for you to restore afterwards',
    inRestic.map(({ volume }) => volume),
  ),
  ...listed(
    'Not received, since nobody could look at',
    unseen.map(({ volume, where }) => `${where.join(', ')} for ${volume}`),
  ),
  ...listed(
    'Not made anew',
    notRemade.filter(({ isAside }) => isAside !== true).map(({ instance, why }) => `${inProject(instance)} (${why})`),
  ),
  ...listed(
    'Not taken back, and kept aside with its own disk',
    notRemade.filter(({ isAside }) => isAside === true).map(({ instance, why }) => `${inProject(instance)} (${why})`),
  ),
  ...listed('LOST for good, no copy is known', lost),
];

/** A heading with what is under it, or nothing. */
const listed = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${what}: ${names.join('; ')}.`];
