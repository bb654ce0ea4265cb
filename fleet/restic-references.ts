import { entries, field, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { wrong } from './mistake.ts';
import type { Nodes } from './nodes.ts';
import { unknownNode } from './nodes.ts';

/** What a restic target says about the guest and the members. Of another kind of target it says nothing. */
export const checkRestic = (
  target: unknown,
  path: Path,
  backup: unknown,
  { members, backupHosts }: Nodes,
): Mistake[] => {
  if (field(target, 'type') !== 'restic') return [];
  const at = [...path, 'maintenance', 'member'];
  const maintainers = new Map([...members, ...backupHosts]);
  const unknown = unknownNode(field(target, 'maintenance', 'member'), at, maintainers, 'member or backup host');
  return [...(text(field(target, 'from')) === 'member' ? ofMember : ofGuest)(target, path, backup), ...unknown];
};

const ofGuest = (target: unknown, path: Path): Mistake[] => {
  if (field(target, 'paths') !== undefined) return [];
  const help = 'Name where the data is in the guest, as paths: [/srv/data].';
  return [wrong(path, 'paths for restic to read in the guest', 'nothing', help)];
};

const ofMember = (target: unknown, path: Path, backup: unknown): Mistake[] => {
  const help = 'On the member restic reads the snapshots of the volumes. Leave paths out, or let it be from: guest.';
  const byLabel = 'Which volumes have a label only Incus knows. Name them under volumes.';
  return [
    ...(field(target, 'paths') === undefined
      ? []
      : [wrong([...path, 'paths'], 'no paths with from: member', 'some', help)]),
    ...(entries(field(backup, 'labels')).length === 0
      ? []
      : [wrong([...path, 'from'], 'from: guest, since the volumes are told by labels', '"member"', byLabel)]),
  ];
};
