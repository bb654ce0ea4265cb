import type { Backup, Guest } from './schema.ts';

/**
 * Whether a volume's name is the pattern's: `*` is any text, `?` one character, all else itself. Takes at most the product of
 * the two lengths: a regular expression with many `.*` never ends.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let position = 0;
  /** Where to go on when the latest `*` has to take one character more. */
  let retry: { at: number; position: number } | undefined;
  while (position < name.length) {
    if (pattern[at] === '*') {
      at += 1;
      retry = { at, position };
    } else if (pattern[at] === '?' || pattern[at] === name[position]) {
      at += 1;
      position += 1;
    } else if (retry === undefined) {
      return false;
    } else {
      retry = { at: retry.at, position: retry.position + 1 };
      ({ at, position } = retry);
    }
  }
  return /^\**$/.test(pattern.slice(at));
}

/** What an entry takes when it names nothing: all of the guest's volumes. */
export const takesAll = ({ volumes, labels }: Pick<Backup, 'volumes' | 'labels'>): boolean =>
  volumes.length === 0 && Object.keys(labels).length === 0;

/** The declared volumes that an entry of `backups` names; those with a label only Incus knows. */
export const declaredVolumes = (backup: Backup, guest: Guest): Guest['volumes'] =>
  guest.volumes.filter(
    ({ name }) => takesAll(backup) || backup.volumes.some((pattern) => matchesPattern(pattern, name)),
  );
