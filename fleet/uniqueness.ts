import { field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { wrong } from './mistake.ts';
import type { Node, Nodes } from './nodes.ts';
import { quote } from './visible.ts';

/** Each later item whose key an earlier one has too. */
const repeated = <Item>(list: readonly Item[], keyOf: (item: Item) => string | undefined): [Item, Item][] => {
  const first = new Map<string, Item>();
  return list.flatMap((item): [Item, Item][] => {
    const key = keyOf(item);
    if (key === undefined) return [];
    const earlier = first.get(key);
    if (earlier !== undefined) return [[item, earlier]];
    first.set(key, item);
    return [];
  });
};

export const checkOwnVolumes = (guest: unknown, path: Path): Mistake[] => {
  const volumes = items(field(guest, 'volumes')).map((volume, index) => ({ volume, index }));
  const key = (volume: unknown): string | undefined => {
    const [pool, name] = [text(field(volume, 'pool')), text(field(volume, 'name'))];
    return pool !== undefined && name !== undefined ? `${pool}/${name}` : undefined;
  };
  return repeated(volumes, ({ volume }) => key(volume)).map(([{ volume, index }]) =>
    wrong([...path, 'volumes', index], 'each volume once', `${quote(key(volume) ?? '')} again`),
  );
};

export const checkOwnUnits = (guest: unknown, path: Path): Mistake[] =>
  (['unit', 'container'] as const).flatMap((what) => {
    const listed = items(field(guest, 'containers', 'units')).map((entry, index) => ({
      name: text(field(entry, what)),
      index,
    }));
    return repeated(listed, ({ name }) => name).map(([{ name, index }]) =>
      wrong([...path, 'containers', 'units', index, what], `each ${what} once`, `${quote(name ?? '')} again`),
    );
  });

export const checkOwnAddresses = ({ members, guests }: Nodes): Mistake[] => {
  const key = ({ value }: Node): string | undefined => {
    const address = text(field(value, 'address'));
    // Behind one forwarding address, the port tells machines apart.
    const port = field(value, 'ssh', 'port') ?? 22;
    return address === undefined || typeof port !== 'number' ? undefined : `${address.toLowerCase()} ${port}`;
  };
  return repeated([...members.values(), ...guests.values()], key).map(([{ value, path }, earlier]) => {
    const got = `${quote(text(field(value, 'address')) ?? '')}, which ${earlier.name} has`;
    return { ...wrong([...path, 'address'], 'an address of its own', got), part: 'use' };
  });
};

export const checkOwnFlakeNodes = ({ members, guests }: Nodes): Mistake[] => {
  const flakeNode = ({ value, path, name }: Node): string | undefined =>
    text(field(value, 'deploy', 'node')) ?? (path[0] === 'members' ? name : undefined);
  const key = (node: Node): string | undefined => {
    const target = flakeNode(node);
    return target === undefined ? undefined : `${target} ${text(field(node.value, 'deploy', 'profile')) ?? 'system'}`;
  };
  return repeated([...members.values(), ...guests.values()], key).map(([node, earlier]) => {
    const got = `${quote(flakeNode(node) ?? '')}, which is deployed to ${earlier.name}`;
    const isWritten = field(node.value, 'deploy', 'node') !== undefined;
    return wrong(isWritten ? [...node.path, 'deploy', 'node'] : node.path, 'a flake’s node of its own', got);
  });
};

/** A volume of two guests on one member is one volume: restoring its snapshot takes both back. */
export const checkSharedVolumes = ({ guests }: Nodes): Mistake[] => {
  const uses = Array.from(guests.values()).flatMap(({ name, value, path }) =>
    items(field(value, 'volumes')).map((volume, index) => ({ name, value, volume, path: [...path, 'volumes', index] })),
  );
  const key = ({ value, volume }: (typeof uses)[number]): string | undefined => {
    const parts = [field(value, 'member'), field(volume, 'pool'), field(volume, 'name')].map(text);
    return parts.includes(undefined) ? undefined : [text(field(value, 'project')) ?? 'default', ...parts].join(' ');
  };
  return repeated(uses, key)
    .filter(([use, earlier]) => use.name !== earlier.name)
    .map(([use, earlier]) => ({
      path: use.path,
      part: 'value',
      severity: 'warning',
      message: `Expected a volume of its own, got one that ${earlier.name} has too`,
      help: 'Restoring its snapshot takes both guests’ data back.',
    }));
};
