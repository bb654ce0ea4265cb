import { problemOf, type Problem } from './problem.ts';
import { inProject } from './projects.ts';

/** Which volumes are backed up: what the fleet file asks for, and what is there. */

/** An entry of `backups` in the fleet file. */
export interface BackupEntry {
  guest: string;
  /** Names, and patterns with `*` and `?`. */
  volumes: readonly string[];
  /** Keys and values of a volume's configuration in Incus, of which it has to have all. */
  labels: Readonly<Record<string, string>>;
  to: readonly BackupTarget[];
}

type BackupTarget = { type: 'zfs'; member: string; dataset: string } | { type: 'restic' };

/** Where a guest is, by the fleet file. */
export interface GuestPlace {
  project: string;
  member: string;
}

/** A custom volume, as Incus tells. Root disks and images are none. */
export interface ObservedVolume {
  project: string;
  pool: string;
  member: string;
  name: string;
  contentType: 'filesystem' | 'block' | 'iso';
  config: Readonly<Record<string, string>>;
  /** Whose it is: the guests that it is attached to, and those that the fleet file gives it to. */
  guests: readonly string[];
}

export interface SelectedVolume {
  /** By its name in the fleet file. */
  backup: string;
  volume: ObservedVolume;
  why: string[];
}

export interface Selection {
  /** In the order of the fleet file. A volume can be in several backups. */
  selected: SelectedVolume[];
  /** What was asked for and is not backed up all the same. */
  leftOut: SelectedVolume[];
  /** What was asked for and is not there. It keeps nothing else from being backed up. */
  unmet: UnmetWish[];
  /** With any of them nothing begins. */
  problems: Problem[];
}

interface UnmetWish {
  backup: string;
  /** The volume as copies name it, or what the entry says of it. */
  what: string;
  problem: Problem;
}

/** `edge-data`, `work_edge-data`: the last part of the name of its replica. */
export const replicaName = ({ project, name }: Pick<ObservedVolume, 'project' | 'name'>): string =>
  project === 'default' ? name : `${project}_${name}`;

interface Declared {
  backups: Readonly<Record<string, BackupEntry>>;
  guests: Readonly<Record<string, GuestPlace>>;
  /** Whether a name is the pattern's, as the fleet file means it (fleet/volume-pattern.ts). */
  matchesPattern: MatchesPattern;
}
type MatchesPattern = (pattern: string, name: string) => boolean;

/** Pure. What matches nothing is a failure, never a backup of nothing. */
export function selectVolumes(
  { backups, guests, matchesPattern }: Declared,
  volumes: readonly ObservedVolume[],
): Selection {
  const each = Object.entries(backups).map(([name, entry]) =>
    selectFor(name, entry, volumesOf(entry.guest, guests, volumes), wishesOf(entry, guests, matchesPattern)),
  );
  const selected = each.flatMap((one) => one.selected);
  const unmet = each.flatMap((one) => one.unmet);
  const problems = sameReplicas(selected, backups);
  if (each.length === 0) problems.push(problemOf('NothingSelected', 'No backup is declared, so nothing is backed up.'));
  return { selected, leftOut: each.flatMap((one) => one.leftOut), unmet, problems };
}

/** One thing that an entry asks for. */
interface Wish {
  text: string;
  /** As copies name it. */
  what: string;
  matches: (volume: ObservedVolume) => boolean;
}

/** Without any wish, all volumes are meant. */
function wishesOf(
  { guest, volumes, labels }: BackupEntry,
  guests: Declared['guests'],
  matchesPattern: MatchesPattern,
): Wish[] {
  const { project = 'default' } = guests[guest] ?? {};
  const all = Object.entries(labels);
  const wishes: Wish[] = volumes.map((text) => ({
    text: `${isPattern(text) ? 'matches' : 'is named'} ${text}`,
    what: isPattern(text) ? `${text} of ${guest}` : inProject({ project, name: text }),
    matches: ({ name }) => matchesPattern(text, name),
  }));
  const labelled = all.map(([key, value]) => `${key}=${value}`).join(' and ');
  if (all.length > 0)
    wishes.push({
      text: `has ${labelled}`,
      what: `${labelled} of ${guest}`,
      matches: ({ config }) => all.every(([key, value]) => config[key] === value),
    });
  return wishes.length > 0 ? wishes : [{ text: `is a volume of ${guest}`, what: `* of ${guest}`, matches: () => true }];
}

const isPattern = (text: string): boolean => /[*?]/.test(text);

const volumesOf = (guest: string, guests: Declared['guests'], volumes: readonly ObservedVolume[]): ObservedVolume[] => {
  const place = guests[guest];
  return volumes.filter(
    (each) => each.project === place?.project && each.member === place.member && each.guests.includes(guest),
  );
};

function selectFor(
  backup: string,
  entry: BackupEntry,
  own: readonly ObservedVolume[],
  wishes: readonly Wish[],
): Omit<Selection, 'problems'> {
  const found = own.flatMap((volume) => {
    const why = wishes.filter(({ matches }) => matches(volume)).map(({ text }) => text);
    return why.length === 0 ? [] : [{ backup, volume, why }];
  });
  const selected = found.filter(({ volume }) => !isIso(volume));
  const leftOut = found
    .filter(({ volume }) => isIso(volume))
    .map((each) => ({ ...each, why: ['it is an ISO image, which is not backed up'] }));
  const met = new Set(selected.flatMap(({ why }) => why));
  const isOnlyIso = (wish: Wish): boolean => leftOut.some(({ volume }) => wish.matches(volume));
  const unmet = wishes
    .filter(({ text }) => !met.has(text))
    .map((wish) => ({ backup, what: wish.what, problem: nothing(backup, entry, wish, isOnlyIso(wish)) }));
  return { selected, leftOut, unmet };
}

const isIso = ({ contentType }: ObservedVolume): boolean => contentType === 'iso';

const nothing = (backup: string, { guest }: BackupEntry, { text }: Wish, isOnlyIso: boolean): Problem =>
  problemOf(
    'NothingSelected',
    `backups.${backup}: of what ${guest} has, ${isOnlyIso ? 'only an ISO image, which is not backed up,' : 'nothing'} ${text}.`,
  );

/** Two volumes that would be sent into one dataset: each would be the end of the other's copy. */
function sameReplicas(selected: readonly SelectedVolume[], backups: Readonly<Record<string, BackupEntry>>): Problem[] {
  const taken = new Map<string, ObservedVolume>();
  const problems: Problem[] = [];
  for (const { backup, volume } of selected)
    for (const target of backups[backup]?.to ?? []) {
      if (target.type !== 'zfs') continue;
      const replica = `${target.dataset}/${replicaName(volume)}`;
      const key = `${target.member} ${replica}`;
      const other = taken.get(key);
      if (other === undefined) taken.set(key, volume);
      else if (other !== volume)
        problems.push(
          problemOf(
            'BadConfig',
            `${describeVolume(other)} and ${describeVolume(volume)} would both have ${replica} on ${target.member} as their replica. Give one of them another dataset.`,
          ),
        );
    }
  return problems;
}

const describeVolume = (volume: ObservedVolume): string =>
  `${inProject(volume)} of pool ${volume.pool} on ${volume.member}`;
