import { count } from './count.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import type { Problem } from './problem.ts';
import { formatBytes } from './bytes.ts';
import type { Relation } from './replication.ts';

/** What `runbook backups resolve` is asked for, what it finds, and what it makes of it. Plain data. */

/** `keep aside`: nothing is lost, and the next copy is a whole one. `roll back`: what only the replica has is lost. */
export type ResolveWay = 'keep aside' | 'roll back';

/** A snapshot that only the replica has. */
export interface LostSnapshot {
  name: string;
  guid: string;
  /** ISO 8601. */
  createdAt: string;
  /** What nothing else has of it. */
  bytes: number;
  clones: string[];
  /** Tags of holds that are not this place's own. */
  holds: string[];
}

export interface ResolveObservation {
  /** `edge-data`, `work/edge-data` */
  volume: string;
  /** `nuc-1 tank/replicas` */
  place: string;
  receiver: string;
  /** By its full name, and what it would be called aside; absent where there is no room for a name beside its root. */
  replica: string;
  aside?: string;
  isThere: boolean;
  relation: Relation['type'];
  /** Why nothing is sent. */
  problem?: Problem;
  /** What both sides have; absent where nothing is. */
  common?: { name: string; guid: string };
  lost: LostSnapshot[];
  /** What only the replica has marked since: a roll back cannot go past it. Names after `#`. */
  newerBookmarks: string[];
  /** Snapshots that stay, with the common one. */
  stay: number;
  /** Since the newest snapshot. */
  writtenBytes: number;
  usedBytes: number;
  /** Of a whole new copy, and what the receiver's pool has for it. */
  sourceBytes: number;
  freeBytes: number;
}

export type ResolveGate = GateOf<'replica' | 'common' | 'aside' | 'holds' | 'clones' | 'bookmarks' | 'room'>;

export interface ResolvePlan {
  /** There is nothing to resolve: one sentence. */
  settled?: string;
  gates: ResolveGate[];
  refusals: ResolveGate[];
}

/** What a person may resolve. Everything else that is in the way of a copy is not the replica's. */
const RESOLVABLE: readonly string[] = ['Diverged', 'NoBase', 'ReplicaModified', 'SendModeChanged'];
export const isResolvable = ({ type }: Pick<Problem, 'type'>): boolean => RESOLVABLE.includes(type);

const { passed, refused, warning } = gateWords<ResolveGate['name']>();

/** Pure. */
export function planResolve(way: ResolveWay, seen: ResolveObservation): ResolvePlan {
  const settled = whySettled(seen);
  if (settled !== undefined) return { settled, gates: [], refusals: [] };
  const gates = [replica(seen), ...(way === 'roll back' ? rollBackGates(seen) : asideGates(seen))];
  return { gates, refusals: gates.filter(({ verdict }) => verdict === 'refused') };
}

function whySettled({ replica: name, receiver, isThere, problem, relation, writtenBytes, lost }: ResolveObservation) {
  if (!isThere) return `There is no ${name} on ${receiver}; the next nightly-backup makes it.`;
  if (problem !== undefined || writtenBytes > 0 || lost.length > 0) return undefined;
  return `${name} on ${receiver} is ${relation === 'up to date' ? 'up to date' : 'as its source knows it'}: nothing is in the way of its copies.`;
}

function replica({ replica: name, receiver, problem, writtenBytes }: ResolveObservation): ResolveGate {
  if (problem === undefined)
    return passed('replica', `${name} on ${receiver} was written to (${formatBytes(writtenBytes)})`);
  if (isResolvable(problem)) return passed('replica', problem.message);
  return refused('replica', problem.message, problem.whatToDo);
}

function rollBackGates({ common, lost, newerBookmarks, problem, replica: name }: ResolveObservation): ResolveGate[] {
  if (common === undefined || problem?.type === 'SendModeChanged')
    return [
      refused(
        'common',
        common === undefined
          ? `${name} and its source have no snapshot in common, so there is nothing to go back to.`
          : `${name} was begun in another way than it would go on in, which going back does not change.`,
        'Without --roll-back it is kept aside, and the next run begins a new one.',
      ),
    ];
  const held = lost.filter(({ holds }) => holds.length > 0);
  const cloned = lost.filter(({ clones }) => clones.length > 0);
  return [
    passed('common', `Both have @${common.name}`),
    held.length === 0
      ? passed('holds', 'Nobody else holds what would go')
      : refused(
          'holds',
          `Held: ${held.map(({ name: of, holds }) => `@${of} (${holds.join(', ')})`).join(', ')}.`,
          'See who holds it; zfs release lets go of it.',
        ),
    cloned.length === 0
      ? passed('clones', 'Nothing was cloned from what would go')
      : refused(
          'clones',
          `${cloned.flatMap(({ clones }) => clones).join(', ')} would lose what it is a clone of.`,
          'Make it independent (zfs promote), or destroy it first.',
        ),
    newerBookmarks.length === 0
      ? passed('bookmarks', 'No bookmark is in the way')
      : refused(
          'bookmarks',
          `ZFS does not go back past bookmarks: ${newerBookmarks.map((mark) => `${name}#${mark}`).join(', ')}.`,
          'See who has made them; zfs destroy removes one.',
        ),
  ];
}

function asideGates({ aside, replica: name, sourceBytes, freeBytes }: ResolveObservation): ResolveGate[] {
  return [
    aside === undefined
      ? refused(
          'aside',
          `${name} is directly below its pool, so there is no place beside the replicas for it.`,
          'Rename it by hand (zfs rename); the next run begins a new one.',
        )
      : passed('aside', `It becomes ${aside}`),
    freeBytes > sourceBytes
      ? passed('room', `There is room for a new copy of ${formatBytes(sourceBytes)}`)
      : warning(
          'room',
          `A new copy takes about ${formatBytes(sourceBytes)}, and its pool has ${formatBytes(freeBytes)}.`,
          'Free space there, or give up what is kept aside (runbook release-kept).',
        ),
  ];
}

/** What a yes does, for whoever gives it. */
export function whatResolves(way: ResolveWay, seen: ResolveObservation): string[] {
  const { aside = '', replica: name, sourceBytes, usedBytes } = seen;
  const no = 'No, or no answer in time: nothing is changed.';
  if (way === 'keep aside')
    return [
      `Yes: ${name} (${formatBytes(usedBytes)}) is called ${aside} from then on. Nothing of it is lost.`,
      `The next nightly-backup sends a whole new copy: about ${formatBytes(sourceBytes)}.`,
      no,
    ];
  return [`Yes: there is no way back. ${lostWords(seen)}`, ...lostNames(seen.lost), no];
}

function lostWords({ common, lost, stay, writtenBytes }: ResolveObservation): string {
  const bytes = lost.reduce((sum, each) => sum + each.bytes, 0);
  const parts = [
    ...(lost.length === 0
      ? []
      : [`${count(lost.length, 'snapshot')} that only the replica has (${formatBytes(bytes)})`]),
    ...(writtenBytes === 0 ? [] : [`what was written since the newest one (${formatBytes(writtenBytes)})`]),
  ];
  const what = parts.length === 0 ? 'Nothing that anybody sees' : parts.join(' and ');
  return `${what} is destroyed; @${common?.name ?? ''} is its newest one then, and ${count(stay, 'snapshot')} ${stay === 1 ? 'stays' : 'stay'}.`;
}

/** However many: nobody says yes to what is not named. */
const lostNames = (lost: readonly LostSnapshot[]): string[] =>
  lost.map(({ name, createdAt, bytes }) => `@${name}, ${createdAt.slice(0, 16)}Z, ${formatBytes(bytes)}`);

/** What was approved, to be held against what is there when it is done. */
export interface ApprovedLoss {
  common: string;
  /** GUIDs. */
  lost: string[];
  writtenBytes: number;
}

export const approvedOf = ({ common, lost, writtenBytes }: ResolveObservation): ApprovedLoss => ({
  common: common?.guid ?? '',
  lost: lost.map(({ guid }) => guid),
  writtenBytes,
});

/** Why what is there now may not be done with, where more would be lost than was approved. */
export function beyondApproval(
  { common, lost, replica: name, writtenBytes }: ResolveObservation,
  approved: ApprovedLoss,
): string | undefined {
  if (common?.guid !== approved.common) return `${name} has another snapshot in common with its source meanwhile.`;
  const more = lost.filter(({ guid }) => !approved.lost.includes(guid)).map(({ name: of }) => `@${of}`);
  if (more.length > 0) return `${name} has more meanwhile that would be lost: ${more.join(', ')}.`;
  // Half-way, what the destroyed ones had counts as written since the one before them.
  const isHalfWay = approved.lost.some((guid) => !lost.some((each) => each.guid === guid));
  return isHalfWay || writtenBytes <= approved.writtenBytes
    ? undefined
    : `${name} was written to meanwhile (${formatBytes(writtenBytes)}, ${formatBytes(approved.writtenBytes)} when it was asked).`;
}

/** The command that a person types. `place`: the host, and the dataset there, of which it may have several. */
export function resolveCommand({ volume, place }: { volume: string; place: string }): string {
  const [receiver = '', dataset = ''] = place.split(' ');
  return `runbook backups resolve --volume ${volume} --target ${receiver} --dataset ${dataset}`;
}
