import { sourceOf, type ClusterContents, type FormationScope } from './formation.ts';

export type Settings = { config: object; devices: object };
/** A profile that nobody has filled. */
export const isBlank = ({ config, devices }: Settings): boolean =>
  Object.keys(config).length === 0 && Object.keys(devices).length === 0;

type Keys = Readonly<Record<string, string>>;
type Cluster = FormationScope['cluster'];

/**
 * What a cluster has that is not as declared, one line each, for each thing that is declared. What a run makes, since it is not
 * there at all, is a step instead; what is there and not declared is somebody else's. Pure.
 */
export function driftOf({ cluster, members }: FormationScope, contents: ClusterContents): string[] {
  const names = members.map(({ name }) => name);
  return [
    ...poolDrift(cluster, names, contents),
    ...networkDrift(cluster, contents),
    ...profileDrift(cluster, contents),
    ...groupDrift(cluster, contents),
    ...compare('cluster', declaredOf(cluster.config, contents.config), contents.config),
  ];
}

function poolDrift({ pools }: Cluster, members: readonly string[], contents: ClusterContents): string[] {
  return Object.entries(pools).flatMap(([name, pool]) => {
    const found = contents.pools.find((each) => each.name === name);
    if (found === undefined) return [`pool ${name} is not there`];
    return [
      ...is(`pool ${name}`, 'driver', pool.type, found.driver),
      ...is(`pool ${name}`, 'status', 'Created', found.status),
      ...members.flatMap((member) => {
        const source = contents.sources[`${member}/${name}`];
        return source === undefined ? [] : is(`pool ${name} on ${member}`, 'source', sourceOf(pool), source);
      }),
    ];
  });
}

function networkDrift({ networks }: Cluster, contents: ClusterContents): string[] {
  return Object.entries(networks).flatMap(([name, { description, config }]) => {
    const found = contents.networks.find((each) => each.name === name);
    if (found === undefined) return [`network ${name} is not there`];
    return [
      ...is(`network ${name}`, 'kind', 'bridge', found.kind),
      ...described(`network ${name}`, description, found.description),
      ...compare(`network ${name}`, config, found.config),
    ];
  });
}

function profileDrift({ profiles }: Cluster, contents: ClusterContents): string[] {
  return Object.entries(profiles).flatMap(([name, { description, config, devices }]) => {
    const found = contents.profiles.find((each) => each.name === name);
    if (found === undefined || isBlank(found)) return [];
    const what = `profile ${name}`;
    return [
      ...described(what, description, found.description),
      ...compare(what, config, found.config),
      ...Object.entries(devices).flatMap(([device, keys]) => {
        const own = found.devices[device];
        return own === undefined
          ? [`${what}: device ${device} is not there`]
          : compare(`${what}, device ${device}`, keys, own);
      }),
    ];
  });
}

/** Members that a group lacks are added. */
function groupDrift({ groups }: Cluster, contents: ClusterContents): string[] {
  return Object.entries(groups).flatMap(([name, { description, members }]) => {
    const found = contents.groups.find((each) => each.name === name);
    if (found === undefined) return [];
    const others = found.members.filter((member) => !members.includes(member));
    return [
      ...described(`group ${name}`, description, found.description),
      ...(others.length === 0
        ? []
        : [`group ${name}: ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} in it, and not declared`]),
    ];
  });
}

const declaredOf = (declared: Keys, found: Keys): Keys =>
  Object.fromEntries(Object.entries(declared).filter(([key]) => found[key] !== undefined));

/** Incus has descriptions of its own: where none is declared, any will do. */
const described = (what: string, declared: string, found: string): string[] =>
  declared === '' ? [] : is(what, 'description', declared, found === '' ? undefined : found);

const is = (what: string, key: string, declared: string, found: string | undefined): string[] =>
  found === declared ? [] : [`${what}: ${key} is ${found ?? 'not set'}, declared is ${declared}`];

/** Incus keeps what `auto` came to. */
const compare = (what: string, declared: Keys, found: Keys): string[] =>
  Object.entries(declared).flatMap(([key, value]) =>
    value === 'auto' && found[key] !== undefined ? [] : is(what, key, value, found[key]),
  );
