import { checkOutsideOfPools } from './cluster-references.ts';
import { volumePattern } from './fields.ts';
import { entries, field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { atKey, wrong } from './mistake.ts';
import type { Node, Nodes } from './nodes.ts';
import { unknownNode, volumeNames } from './nodes.ts';
import { checkRestic } from './restic-references.ts';
import { helpForName } from './suggest.ts';
import { quote } from './visible.ts';
import { matchesPattern } from './volume-pattern.ts';

/** What backups say of guests, volumes and receivers. */
export const checkBackups = (file: unknown, nodes: Nodes): Mistake[] => {
  const pools = field(file, 'cluster', 'pools');
  return [
    ...checkBackupHosts(nodes),
    ...entries(field(file, 'backups')).flatMap(([name, backup]) =>
      checkBackup(backup, ['backups', name], nodes, pools),
    ),
    ...checkReplicaNames(file, nodes),
    ...checkUncovered(file, nodes),
  ];
};

const checkBackupHosts = ({ members, guests, backupHosts }: Nodes): Mistake[] =>
  [...backupHosts.values()].flatMap(({ name, path }) =>
    members.has(name) || guests.has(name)
      ? [atKey(wrong(path, 'a name that no member and no guest has', quote(name)))]
      : [],
  );

const checkBackup = (backup: unknown, path: Path, nodes: Nodes, pools: unknown): Mistake[] => {
  const { members, guests, backupHosts } = nodes;
  const guest = guests.get(text(field(backup, 'guest')) ?? '');
  const volumes = guest && volumeNames(guest);
  const receivers = new Map([...members, ...backupHosts]);
  return [
    ...unknownNode(field(backup, 'guest'), [...path, 'guest'], guests, 'guest'),
    ...items(field(backup, 'volumes')).flatMap((volume, index) => {
      const pattern = text(volume);
      if (!volumes || pattern === undefined || !volumePattern.safeParse(pattern).success) return [];
      if (volumes.some((name) => matchesPattern(pattern, name))) return [];
      const help = helpForName(pattern, volumes, `volumes of ${guest.name}`);
      return [wrong([...path, 'volumes', index], `a volume of ${guest.name}`, quote(pattern), help)];
    }),
    ...items(field(backup, 'to')).flatMap((target, index) => {
      const at = [...path, 'to', index, 'member'];
      const member = field(target, 'member');
      const inPools = members.has(text(member) ?? '') ? pools : undefined;
      return [
        ...unknownNode(member, at, receivers, 'member or backup host'),
        ...warnOfOwnMember(member, at, guest),
        ...checkOutsideOfPools(field(target, 'dataset'), [...path, 'to', index, 'dataset'], inPools),
        ...checkRestic(target, [...path, 'to', index], backup, nodes),
      ];
    }),
  ];
};

const warnOfOwnMember = (name: unknown, path: Path, guest: Node | undefined): Mistake[] => {
  const member = text(name);
  if (!guest || member === undefined || member !== field(guest.value, 'member')) return [];
  const message = `Expected a member other than ${guest.name}’s own, got ${quote(member)}`;
  return [{ path, part: 'value', severity: 'warning', message, help: 'This copy is lost together with the original.' }];
};

/** A volume that an entry names, of those that the fleet file declares. */
interface Covered {
  guest: Node;
  volume: string;
}

const coveredBy = (backup: unknown, guests: Nodes['guests']): Covered[] => {
  const guest = guests.get(text(field(backup, 'guest')) ?? '');
  if (!guest) return [];
  const patterns = items(field(backup, 'volumes')).flatMap((pattern) => text(pattern) ?? []);
  const isWhole = patterns.length === 0 && entries(field(backup, 'labels')).length === 0;
  return volumeNames(guest)
    .filter((volume) => isWhole || patterns.some((pattern) => matchesPattern(pattern, volume)))
    .map((volume) => ({ guest, volume }));
};

/** Two volumes with one name, of guests on different members or in different pools, would take turns in one replica. */
const checkReplicaNames = (file: unknown, { guests }: Nodes): Mistake[] => {
  const first = new Map<string, string>();
  return entries(field(file, 'backups')).flatMap(([name, backup]) =>
    items(field(backup, 'to')).flatMap((target, index) => {
      const [member, dataset] = [text(field(target, 'member')), text(field(target, 'dataset'))];
      if (member === undefined || dataset === undefined) return [];
      return coveredBy(backup, guests).flatMap(({ guest, volume }) => {
        const project = text(field(guest.value, 'project')) ?? 'default';
        const replica = [member, dataset, project, volume].join(' ');
        const earlier = first.get(replica);
        if (earlier === undefined) {
          first.set(replica, `${guest.name} of ${name}`);
          return [];
        }
        const got = `that of ${volume}, which ${earlier} has there`;
        const help = 'Give one of the two another dataset.';
        return [wrong(['backups', name, 'to', index, 'dataset'], 'a replica of its own', got, help)];
      });
    }),
  );
};

const checkUncovered = (file: unknown, { guests }: Nodes): Mistake[] => {
  if (field(file, 'policies', 'upgrade', 'backup') === 'off') return [];
  const backups = entries(field(file, 'backups')).map(([, backup]) => backup);
  // Which volumes have a label only Incus knows.
  const labelled = new Set(
    backups.filter((backup) => entries(field(backup, 'labels')).length > 0).map((backup) => field(backup, 'guest')),
  );
  const covered = new Set(
    backups.flatMap((backup) => coveredBy(backup, guests).map(({ guest, volume }) => `${guest.name} ${volume}`)),
  );
  return Array.from(guests.values())
    .filter(({ name }) => !labelled.has(name))
    .flatMap((guest) =>
      volumeNames(guest).flatMap((volume, index): Mistake[] => {
        if (covered.has(`${guest.name} ${volume}`)) return [];
        const message = `Expected a backup of volume ${quote(volume)}, got none`;
        const help = 'Name it under backups, or set policies.upgrade.backup to off.';
        return [{ path: [...guest.path, 'volumes', index], part: 'value', severity: 'warning', message, help }];
      }),
    );
};
