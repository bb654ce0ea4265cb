import type { Yaml } from './model.ts';
import { mapOf, YamlList, YamlMap } from './model.ts';
import type { Random } from './random.ts';

/** The pool that guests' volumes are in. */
export const POOL = 'zpool';

const DESCRIPTIONS = ['', 'größe: 日本 🙂', '# none', 'true'];
/** All that becomes text. */
const VALUES: readonly Yaml[] = ['10.0.1.1/24', '', 'a: b # c', 'a\nb', 'true', true, false, 8, 0, -15];
const KEYS = ['ipv4.address', 'ipv4.nat', 'user.owner', 'limits.cpu', 'environment.HTTP_PROXY', 'linux.sysctl.net-x'];

const maybe = (random: Random, fields: () => Readonly<Record<string, Yaml>>): Readonly<Record<string, Yaml>> =>
  random.chance(0.5) ? fields() : {};

const description = (random: Random) => maybe(random, () => ({ description: random.pick(DESCRIPTIONS) }));

const configOf = (random: Random): YamlMap =>
  mapOf(Object.fromEntries(KEYS.filter(() => random.chance(0.4)).map((key) => [key, random.pick(VALUES)])));

const config = (random: Random) => maybe(random, () => ({ config: configOf(random) }));

/** The place of one is no other's, nor in it. */
const poolOf = (name: string, random: Random): YamlMap =>
  random.chance(0.5)
    ? mapOf({ type: 'zfs', dataset: `tank/incus-${name}` })
    : mapOf({ path: `/srv/größe x/${name}`, type: 'dir' });

const profileOf = (pool: string, network: string | undefined, random: Random): YamlMap =>
  mapOf({
    ...description(random),
    ...config(random),
    ...maybe(random, () => ({
      devices: mapOf({
        root: mapOf({ type: 'disk', path: '/', pool }),
        eth0: mapOf({ type: 'nic', ...(network === undefined ? { nictype: 'bridged', parent: 'br0' } : { network }) }),
        gpu: new YamlMap(),
      }),
    })),
  });

const groupOf = (members: readonly string[], random: Random): YamlMap => {
  const some = members.filter(() => random.chance(0.5));
  return mapOf({ members: new YamlList(some.length === 0 ? members : some), ...description(random) });
};

/** What a cluster of these members is formed with. */
export const clusterOf = (members: readonly string[], random: Random): YamlMap => {
  const networks = ['incusbr0', 'x-15-characters', 'br_1.2'].filter(() => random.chance(0.4));
  const pools = [POOL, ...['local', '0_a.b-c'].filter(() => random.chance(0.3))];
  const network = networks.length === 0 ? undefined : random.pick(networks);
  return mapOf({
    ...maybe(random, () => ({ port: 1 + random.below(65535) })),
    pools: mapOf(Object.fromEntries(pools.map((name) => [name, poolOf(name, random)]))),
    ...(network === undefined
      ? {}
      : {
          networks: mapOf(
            Object.fromEntries(networks.map((name) => [name, mapOf({ ...description(random), ...config(random) })])),
          ),
        }),
    ...maybe(random, () => ({ profiles: mapOf({ default: profileOf(random.pick(pools), network, random) }) })),
    ...maybe(random, () => ({ groups: mapOf({ desktops: groupOf(members, random) }) })),
    ...config(random),
    ...maybe(random, () => ({ trialImage: random.pick(['images:alpine/edge', 'guest', '0f9c1b5e']) })),
    ...maybe(random, () => ({ waitForMembers: random.pick(['30m', '6h', '1d']) })),
  });
};
