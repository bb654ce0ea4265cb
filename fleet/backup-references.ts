import { checkOutsideOfPools } from './cluster-references.ts';
import { entries, field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { wrong } from './mistake.ts';
import type { Node, Nodes } from './nodes.ts';
import { unknownNode, volumeNames } from './nodes.ts';
import { helpForName } from './suggest.ts';
import { quote } from './visible.ts';

export const checkBackup = (backup: unknown, path: Path, { members, guests }: Nodes, pools: unknown): Mistake[] => {
  const guest = guests.get(text(field(backup, 'guest')) ?? '');
  const volumes = guest && volumeNames(guest);
  return [
    ...unknownNode(field(backup, 'guest'), [...path, 'guest'], guests, 'guest'),
    ...items(field(backup, 'volumes')).flatMap((volume, index) => {
      const name = text(volume);
      if (!volumes || name === undefined || volumes.includes(name)) return [];
      const help = helpForName(name, volumes, `volumes of ${guest.name}`);
      return [wrong([...path, 'volumes', index], `a volume of ${guest.name}`, quote(name), help)];
    }),
    ...items(field(backup, 'to')).flatMap((target, index) => {
      const at = [...path, 'to', index, 'member'];
      const member = field(target, 'member');
      return [
        ...unknownNode(member, at, members, 'member'),
        ...warnOfOwnMember(member, at, guest),
        ...checkOutsideOfPools(field(target, 'dataset'), [...path, 'to', index, 'dataset'], pools),
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

export const checkUncovered = (file: unknown, { guests }: Nodes): Mistake[] => {
  if (field(file, 'policies', 'upgrade', 'backup') === 'off') return [];
  const covered = new Set(
    entries(field(file, 'backups')).flatMap(([, backup]) =>
      items(field(backup, 'volumes')).map((volume) => `${String(field(backup, 'guest'))} ${String(volume)}`),
    ),
  );
  return Array.from(guests.values()).flatMap((guest) =>
    volumeNames(guest).flatMap((volume, index): Mistake[] => {
      if (covered.has(`${guest.name} ${volume}`)) return [];
      const message = `Expected a backup of volume ${quote(volume)}, got none`;
      const help = 'Name it under backups, or set policies.upgrade.backup to off.';
      return [{ path: [...guest.path, 'volumes', index], part: 'value', severity: 'warning', message, help }];
    }),
  );
};
