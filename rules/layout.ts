import { posix } from 'node:path';

/** Whose a file of the monorepo is, by the folder that it is in. */
export type Area =
  | { type: 'host'; member?: string }
  | { type: 'infra'; member?: string }
  | { type: 'guest'; guest?: string }
  | { type: 'service' }
  | { type: 'secrets' }
  | { type: 'other' };

/** `infra`: the folder that has one folder for each member. `path`: from the folder of runbook.yaml. */
export function areaOf(path: string, infra: string): Area {
  const words = path.split('/');
  if (path.startsWith(`${infra}/`)) {
    const [member, file] = path.slice(infra.length + 1).split('/');
    return { type: 'infra', ...(file === undefined || member === undefined ? {} : { member }) };
  }
  const [top = ''] = words;
  switch (top) {
    case 'host': {
      const isNode = words[1] === 'nodes' && words[2] !== undefined;
      return { type: 'host', ...(isNode ? { member: (words[2] ?? '').replace(/\.nix$/, '') } : {}) };
    }
    case 'infra':
      return { type: 'infra' };
    case 'guests':
      return { type: 'guest', ...(words.length > 2 && words[1] !== undefined ? { guest: words[1] } : {}) };
    case 'services':
      return { type: 'service' };
    case 'secrets':
      return { type: 'secrets' };
    default:
      return { type: 'other' };
  }
}

/** What a path in a Nix file means; undefined where it leaves the monorepo. */
export function resolvePath(from: string, path: string): string | undefined {
  if (!path.startsWith('./') && !path.startsWith('../') && path !== '.' && path !== '..') return undefined;
  const whole = posix.join(posix.dirname(from), path);
  return whole.startsWith('..') ? undefined : whole;
}
