import { sourceOf, type ClusterContents, type FormationScope } from './formation.ts';

export type Settings = { config: object; devices: object };
/** A profile that nobody has filled. */
export const isBlank = ({ config, devices }: Settings): boolean =>
  Object.keys(config).length === 0 && Object.keys(devices).length === 0;

type Keys = Readonly<Record<string, string>>;
type Cluster = FormationScope['cluster'];

/** One thing of a cluster that is not as declared. */
export interface Difference {
  /** `profile default`, `pool zpool on nuc-1` */
  subject: string;
  /** Absent where all of it is not there, or too much is. */
  key?: string;
  declared?: string;
  /** Undefined where it is not set. */
  found?: string;
  /** The whole of it. */
  sentence: string;
}

/** What a cluster has that is not as declared, one line each: see {@link differencesOf}. Pure. */
export const driftOf = (scope: FormationScope, contents: ClusterContents): string[] =>
  differencesOf(scope, contents).map(({ sentence }) => sentence);

/**
 * The same, taken apart, for each thing that is declared. What a run makes, since it is not there at all, is a step instead;
 * what is there and not declared is somebody else's. Pure.
 */
export function differencesOf({ cluster, members }: FormationScope, contents: ClusterContents): Difference[] {
  const names = members.map(({ name }) => name);
  return [
    ...poolDrift(cluster, names, contents),
    ...networkDrift(cluster, contents),
    ...profileDrift(cluster, contents),
    ...groupDrift(cluster, contents),
    ...compare('cluster', declaredOf(cluster.config, contents.config), contents.config),
  ];
}

function poolDrift({ pools }: Cluster, members: readonly string[], contents: ClusterContents): Difference[] {
  return Object.entries(pools).flatMap(([name, pool]) => {
    const found = contents.pools.find((each) => each.name === name);
    if (found === undefined) return [notThere(`pool ${name}`)];
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

function networkDrift({ networks }: Cluster, contents: ClusterContents): Difference[] {
  return Object.entries(networks).flatMap(([name, { description, config }]) => {
    const found = contents.networks.find((each) => each.name === name);
    if (found === undefined) return [notThere(`network ${name}`)];
    return [
      ...is(`network ${name}`, 'kind', 'bridge', found.kind),
      ...described(`network ${name}`, description, found.description),
      ...compare(`network ${name}`, config, found.config),
    ];
  });
}

function profileDrift({ profiles }: Cluster, contents: ClusterContents): Difference[] {
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
          ? [{ ...notThere(`${what}, device ${device}`), sentence: `${what}: device ${device} is not there` }]
          : compare(`${what}, device ${device}`, keys, own);
      }),
    ];
  });
}

/** Members that a group lacks are added. */
function groupDrift({ groups }: Cluster, contents: ClusterContents): Difference[] {
  return Object.entries(groups).flatMap(([name, { description, members }]) => {
    const found = contents.groups.find((each) => each.name === name);
    if (found === undefined) return [];
    const others = found.members.filter((member) => !members.includes(member));
    return [
      ...described(`group ${name}`, description, found.description),
      ...(others.length === 0
        ? []
        : [
            {
              subject: `group ${name}`,
              declared: members.join(', '),
              found: found.members.join(', '),
              sentence: `group ${name}: ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} in it, and not declared`,
            },
          ]),
    ];
  });
}

const declaredOf = (declared: Keys, found: Keys): Keys =>
  Object.fromEntries(Object.entries(declared).filter(([key]) => found[key] !== undefined));

/** Incus has descriptions of its own: where none is declared, any will do. */
const described = (what: string, declared: string, found: string): Difference[] =>
  declared === '' ? [] : is(what, 'description', declared, found === '' ? undefined : found);

const is = (subject: string, key: string, declared: string, found: string | undefined): Difference[] =>
  found === declared
    ? []
    : [
        {
          ...{ subject, key, declared, ...(found === undefined ? {} : { found }) },
          sentence: `${subject}: ${key} is ${found ?? 'not set'}, declared is ${declared}`,
        },
      ];

const notThere = (subject: string): Difference => ({ subject, sentence: `${subject} is not there` });

/** Incus keeps what `auto` came to. */
const compare = (what: string, declared: Keys, found: Keys): Difference[] =>
  Object.entries(declared).flatMap(([key, value]) =>
    value === 'auto' && found[key] !== undefined ? [] : is(what, key, value, found[key]),
  );
