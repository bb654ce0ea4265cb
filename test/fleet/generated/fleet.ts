import { addBackups } from './backups.ts';
import type { Yaml } from './model.ts';
import { mapOf, YamlList, YamlMap } from './model.ts';
import { clusterOf } from './cluster.ts';
import { identityOf } from './identity.ts';
import { infraOf } from './infra.ts';
import { addSchedules } from './schedules.ts';
import type { Random } from './random.ts';

const SYLLABLES = ['ed', 'ge', 'nuc', 'ho', 'me', 'lab', 'rack', 'x', 'Q', 'zen', 'to', 'constructor', 'b9', 'io'];

/** A valid fleet file without a warning, of random size and with random optional parts. */
export const randomFleet = (random: Random): YamlMap => {
  const names = nameSource(random);
  const members = Array.from({ length: 2 + random.below(4) }, names);
  const guests = Array.from({ length: 2 + random.below(4) }, names);
  const addresses = addressSource(random);
  const root = new YamlMap();
  const parts: [string, () => Yaml][] = [
    ['version', () => 1],
    ['name', () => names()],
    ['members', () => mapOf(Object.fromEntries(members.map((name) => [name, memberOf(random, addresses)])))],
    ['guests', () => guestsOf(random, guests, members, addresses)],
  ];
  if (random.chance(0.5)) parts.push(['policies', () => mapOf({ upgrade: policyOf(random) })]);
  for (const [key, make] of shuffled(parts, random)) root.add(key, make());
  addBackups(root, members, random);
  if (random.chance(0.5)) root.set('cluster', clusterOf(members, random));
  if (random.chance(0.5)) root.set('identity', identityOf(random));
  if (random.chance(0.3)) root.set('infra', infraOf(random));
  if (random.chance(0.5)) root.set('secrets', secretsOf(random));
  if (random.chance(0.5)) addSchedules(root, members, random);
  if (random.chance(0.5)) root.set('orchestrator', mapOf({ guest: random.pick(guests) }));
  return root;
};

const secretsOf = (random: Random): YamlMap =>
  mapOf({
    ...(random.chance(0.5) ? { config: random.pick(['secrets/sops.yaml', '.sops.yaml']) } : {}),
    identityFile: random.pick(['~/keys.txt', '/root/a b.txt']),
    ...(random.chance(0.5) ? { push: mapOf({ branch: random.pick(['main', 'a/b.c']) }) } : {}),
  });

const shuffled = <Item>(items: readonly Item[], random: Random): Item[] =>
  items
    .map((item) => ({ item, key: random.below(1e9) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);

const nameSource = (random: Random): (() => string) => {
  const used = new Set<string>();
  return () => {
    for (;;) {
      const length = 1 + random.below(3);
      const name = `${Array.from({ length }, () => random.pick(SYLLABLES)).join(random.pick(['', '-']))}-${random.below(1000)}`;
      if (!used.has(name)) {
        used.add(name);
        return name;
      }
    }
  };
};

const addressSource = (random: Random): (() => string) => {
  let last = random.below(50);
  return () => {
    last += 1;
    return random.pick([`10.20.${last}.${random.below(256)}`, `host-${last}.lan`, `fd00::${last.toString(16)}`]);
  };
};

const DURATIONS = ['1s', '90s', '500ms', '3m', '26h', '7d'];
const LOOK_AGAIN = (random: Random): Record<string, Yaml> =>
  random.chance(0.3) ? { for: random.pick(DURATIONS) } : {};

export const httpProbe = (random: Random): YamlMap =>
  mapOf({
    type: 'http',
    url: `https://${random.pick(SYLLABLES)}.lan/health?x=${random.below(9)}#ok`,
    ...(random.chance(0.3) ? { contains: 'größe: 日本 🙂, [ok]' } : {}),
    ...LOOK_AGAIN(random),
  });

const probeOf = (random: Random): YamlMap =>
  random.pick([
    httpProbe,
    () => mapOf({ type: 'tcp', host: 'edge.lan', port: 1 + random.below(65535) }),
    () =>
      mapOf({ type: 'systemd', units: new YamlList(['caddy.service', 'backup@home.timer']), ...LOOK_AGAIN(random) }),
    () => mapOf({ type: 'command', argv: new YamlList(['test', '-e', '5', 'a b: # c', "it's"]) }),
  ])(random);

const maybeProbes = (random: Random): Record<string, Yaml> =>
  random.chance(0.5)
    ? { probes: new YamlList(Array.from({ length: 1 + random.below(3) }, () => probeOf(random))) }
    : {};

const memberOf = (random: Random, addresses: () => string): YamlMap =>
  mapOf({
    ...(random.chance(0.3) ? { ssh: mapOf({ user: 'ops', port: 2222, identityFile: '~/.ssh/runbook' }) } : {}),
    address: addresses(),
    ...maybeProbes(random),
  });

const containersOf = (random: Random): YamlMap =>
  random.chance(0.5)
    ? mapOf({ type: 'compose', engine: 'docker', file: '/srv/app/compose.yaml' })
    : mapOf({
        type: 'units',
        engine: 'podman',
        units: new YamlList([mapOf({ unit: 'podman-caddy.service', container: 'caddy' })]),
      });

/** Each depends only on earlier ones, so that there is no circle. */
const guestsOf = (random: Random, guests: string[], members: string[], addresses: () => string): YamlMap => {
  const map = new YamlMap();
  guests.forEach((name, index) => {
    const isDeployed = random.chance(0.7);
    map.add(
      name,
      mapOf({
        ...(random.chance(0.3) ? { type: random.pick(['virtual-machine', 'container']) } : {}),
        member: random.pick(members),
        ...(isDeployed ? { address: addresses(), deploy: mapOf({ node: name }) } : {}),
        ...(random.chance(0.7) ? { volumes: new YamlList([mapOf({ pool: 'zpool', name: `${name}-data` })]) } : {}),
        ...(random.chance(0.4) ? { create: createOf(name, random) } : {}),
        ...(random.chance(0.5) ? { secrets: new YamlList(['secrets/a.enc.yaml', 'secrets/b c.enc.yaml']) } : {}),
        ...(index > 0 && random.chance(0.5) ? { dependsOn: new YamlList([guests[random.below(index)] ?? '']) } : {}),
        ...(random.chance(0.4) ? { containers: containersOf(random) } : {}),
        ...maybeProbes(random),
      }),
    );
  });
  return map;
};

const createOf = (name: string, random: Random): YamlMap =>
  mapOf({
    ...{ type: 'incus', image: random.pick(['nixos', 'images:nixos/26.05']) },
    ...(random.chance(0.5) ? { profiles: new YamlList(random.chance(0.5) ? ['default', 'small'] : []) } : {}),
    ...(random.chance(0.5)
      ? { config: mapOf({ 'limits.cpu': 2, 'cloud-init.user-data': '#cloud-config\n{}\n' }) }
      : {}),
    devices: mapOf({ data: mapOf({ type: 'disk', pool: 'zpool', source: `${name}-data`, path: '/srv' }) }),
  });

const policyOf = (random: Random): YamlMap =>
  mapOf({
    ...(random.chance(0.5) ? { reboot: random.pick(['automatic', 'ask', 'never']) } : {}),
    backupMaxAge: random.pick(DURATIONS),
    minFreeSpace: random.below(100),
  });
