/** The folders that a simulated machine has of its own. `/dev` stays the real one but for the names of disks. */
export const OWN_FOLDERS = 'bin|data|dev/disk|etc|home|mnt|nix|opt|proc|root|run|sbin|srv|sys|tmp|usr|var';
/** A shell that is told by `-c` what to do has no path to put under the root; that of a script's file is another matter. */
const REAL_SHELL = 'bin/sh -c ';
const ABSOLUTE = new RegExp(`(?<![\\w./~@%+,-])/(?!${REAL_SHELL})(?=(?:${OWN_FOLDERS})(?![\\w.-]))`, 'g');

/**
 * Puts the absolute paths of a command under a machine's root folder, so that the real `sh`, `cat` and `mkdir` that run it
 * see the machine's files and no others. Paths that are under it already stay.
 */
export function intoRoot(text: string, root: string): string {
  return outOfRoot(text, root).replace(ABSOLUTE, `${root}/`);
}

/** The same text as the machine knows it. */
export function outOfRoot(text: string, root: string): string {
  return text.replaceAll(`${root}/`, '/').replaceAll(root, '/');
}
