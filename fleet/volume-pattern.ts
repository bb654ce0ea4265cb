import type { Backup, Guest } from './schema.ts';

/** Whether a volume's name is the pattern's: `*` is any text, `?` one character, all else itself. */
export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/[.*?]/g, (sign) => (sign === '*' ? '.*' : sign === '?' ? '.' : '\\.'));
  return new RegExp(`^${source}$`).test(name);
}

/** What an entry takes when it names nothing: all of the guest's volumes. */
export const takesAll = ({ volumes, labels }: Pick<Backup, 'volumes' | 'labels'>): boolean =>
  volumes.length === 0 && Object.keys(labels).length === 0;

/** The declared volumes that an entry of `backups` names; those with a label only Incus knows. */
export const declaredVolumes = (backup: Backup, guest: Guest): Guest['volumes'] =>
  guest.volumes.filter(
    ({ name }) => takesAll(backup) || backup.volumes.some((pattern) => matchesPattern(pattern, name)),
  );
