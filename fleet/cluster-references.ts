import { entries, field, items, text } from './loose.ts';
import type { Mistake, Path } from './mistake.ts';
import { wrong } from './mistake.ts';
import type { Nodes } from './nodes.ts';
import { unknownNode } from './nodes.ts';
import { helpForName } from './suggest.ts';
import { quote } from './visible.ts';

/** What a declared cluster says of members, and what others say of its pools. */
export const checkCluster = (file: unknown, { members, guests }: Nodes): Mistake[] => {
  const cluster = field(file, 'cluster');
  if (cluster === undefined) return [];
  const pools = entries(field(cluster, 'pools')).map(([name]) => name);
  const networks = entries(field(cluster, 'networks')).map(([name]) => name);
  const known = (value: unknown, path: Path, names: string[], what: 'pool' | 'network'): Mistake[] => {
    const name = text(value);
    if (name === undefined || names.includes(name)) return [];
    return [wrong(path, `the name of a ${what} of the cluster`, quote(name), helpForName(name, names, `${what}s`))];
  };
  /** That there are none is a mistake already, and not one of each that names a pool. */
  const knownPool = (value: unknown, path: Path): Mistake[] =>
    pools.length === 0 ? [] : known(value, path, pools, 'pool');
  return [
    ...entries(field(cluster, 'groups')).flatMap(([group, value]) =>
      items(field(value, 'members')).flatMap((member, index) =>
        unknownNode(member, ['cluster', 'groups', group, 'members', index], members, 'member'),
      ),
    ),
    ...entries(field(cluster, 'profiles')).flatMap(([profile, value]) =>
      entries(field(value, 'devices')).flatMap(([device, keys]) => {
        const path = ['cluster', 'profiles', profile, 'devices', device];
        return [
          ...knownPool(field(keys, 'pool'), [...path, 'pool']),
          ...known(field(keys, 'network'), [...path, 'network'], networks, 'network'),
        ];
      }),
    ),
    ...[...guests.values()].flatMap((guest) =>
      items(field(guest.value, 'volumes')).flatMap((volume, index) =>
        knownPool(field(volume, 'pool'), [...guest.path, 'volumes', index, 'pool']),
      ),
    ),
  ];
};
