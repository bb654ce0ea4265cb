import { entries, field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { wrong } from './mistake.ts';
import { helpForName } from './suggest.ts';
import { quote } from './visible.ts';

export interface Node {
  name: string;
  value: unknown;
  path: Path;
}

export interface Nodes {
  members: ReadonlyMap<string, Node>;
  guests: ReadonlyMap<string, Node>;
  backupHosts: ReadonlyMap<string, Node>;
}

export const nodesOf = (file: unknown, section: keyof Nodes): ReadonlyMap<string, Node> =>
  new Map(entries(field(file, section)).map(([name, value]) => [name, { name, value, path: [section, name] }]));

export const volumeNames = ({ value }: Node): string[] =>
  items(field(value, 'volumes')).flatMap((volume) => text(field(volume, 'name')) ?? []);

/** The mistake of a name that none of the nodes has; nothing where there is no name. */
export const unknownNode = (
  value: unknown,
  path: Path,
  nodes: Nodes['members'],
  what: 'member' | 'guest' | 'member or backup host',
): Mistake[] => {
  const name = text(value);
  if (name === undefined || nodes.has(name)) return [];
  return [
    wrong(
      path,
      `the name of a ${what}`,
      quote(name),
      helpForName(name, [...nodes.keys()], what === 'member or backup host' ? 'members and backup hosts' : `${what}s`),
    ),
  ];
};
