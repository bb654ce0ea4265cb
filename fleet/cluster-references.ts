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
    ...checkPlaces(field(cluster, 'pools')),
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

/** Where a pool lives. */
const placeOf = (pool: unknown): string | undefined => text(field(pool, 'dataset')) ?? text(field(pool, 'path'));

/** Whether a dataset or folder is another one, or inside of it. */
export const isWithin = (place: string, other: string): boolean =>
  `${place.replace(/\/+$/, '')}/`.startsWith(`${other.replace(/\/+$/, '')}/`);

/** Two pools in one place would delete each other's instances. */
const checkPlaces = (pools: unknown): Mistake[] => {
  const places = entries(pools).flatMap(([name, pool]) => {
    const place = placeOf(pool);
    return place === undefined ? [] : [{ name, place, key: field(pool, 'dataset') === undefined ? 'path' : 'dataset' }];
  });
  return places.flatMap(({ name, place, key }, index) => {
    const other = places.slice(0, index).find((each) => isWithin(place, each.place) || isWithin(each.place, place));
    if (other === undefined) return [];
    const got = `${quote(place)}, where pool ${other.name} is${other.place === place ? '' : ` (${quote(other.place)})`}`;
    return [wrong(['cluster', 'pools', name, key], 'a place of its own for each pool', got)];
  });
};

/** Incus deletes what it does not know in its pools, and a pool has to be empty to begin with. */
export const checkOutsideOfPools = (dataset: unknown, path: Path, pools: unknown): Mistake[] => {
  const name = text(dataset);
  if (name === undefined) return [];
  return entries(pools).flatMap(([pool, value]) => {
    const own = text(field(value, 'dataset'));
    if (own === undefined || !isWithin(name, own)) return [];
    return [
      wrong(path, 'a dataset outside of Incus’s pools', `${quote(name)}, which is in pool ${pool} (${quote(own)})`),
    ];
  });
};
