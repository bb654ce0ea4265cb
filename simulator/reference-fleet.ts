import { createHash } from 'node:crypto';
import { hostKeyOf } from './core/host-key.ts';
import type { Container, Dataset, DatasetPoint, Instance, Machine, State, Volume } from './core/state.ts';
import { emptyDatabase } from './incus/servers.ts';
import { guidFrom } from './hosts/zfs-datasets.ts';
import { nameOfDisk, poolDisk, systemDisk } from './hosts/disks.ts';
import { closureOf, type SimulatedFlake } from './nix/flake.ts';
import { installedUnit } from './systemd/units.ts';

/** The reference's homelab: three members, three virtual machines, and a small container so that each member has something. */

export const POOL = 'zpool';
/** On a disk of its own. */
const REPLICAS = 'tank';
const GIB = 2 ** 30;

interface GuestPlan {
  member: string;
  address: string;
  type: Instance['type'];
  engine?: Container['engine'];
  containers: string[];
  volume?: string;
  port: number;
}

const MEMBERS = { 'elitedesk-1': '10.0.0.11', 'elitedesk-2': '10.0.0.12', 'nuc-1': '10.0.0.13' };

const GUESTS: Record<string, GuestPlan> = {
  'edge-vm': {
    member: 'elitedesk-1',
    address: '10.0.0.21',
    type: 'virtual-machine',
    engine: 'podman',
    containers: ['caddy', 'oauth2-proxy'],
    volume: 'edge-data',
    port: 8080,
  },
  'home-vm': {
    member: 'elitedesk-1',
    address: '10.0.0.23',
    type: 'virtual-machine',
    engine: 'docker',
    containers: ['home-assistant', 'mosquitto'],
    volume: 'home-data',
    port: 8123,
  },
  'metrics-vm': {
    member: 'elitedesk-2',
    address: '10.0.0.22',
    type: 'virtual-machine',
    engine: 'podman',
    containers: ['prometheus', 'loki'],
    volume: 'metrics-data',
    port: 9090,
  },
  'dns-ct': { member: 'nuc-1', address: '10.0.0.24', type: 'container', containers: [], port: 8053 },
};

export const COMPOSE_FILE = '/srv/home/compose.yaml';

export function imageReference(container: string): string {
  return `registry.example/${container}:stable`;
}

export function digestFor(reference: string, serial: number): string {
  return `sha256:${createHash('sha256').update(`${reference} ${serial}`).digest('hex')}`;
}

export function referenceFlake(): SimulatedFlake {
  const system = { version: '26.05.1', kernel: '6.12.1' };
  const members = Object.entries(MEMBERS).map(([name, hostname]) => [
    name,
    { hostname, ...system, incus: '6.0.4', disks: { main: nameOfDisk(`SYSTEM-${name}`) } },
  ]);
  const guests = Object.entries(GUESTS).flatMap(([name, { address, type }]) =>
    type === 'container' ? [] : [[name, { hostname: address, ...system }]],
  );
  return { nodes: Object.fromEntries([...members, ...guests]) as SimulatedFlake['nodes'] };
}

export function referenceState(pace: number): State {
  const now = new Date().toISOString();
  const containers = Object.values(GUESTS).flatMap((guest) => guest.containers);
  const image = (name: string) => ({ digest: digestFor(imageReference(name), 1), healthy: true });
  const members = Object.entries(MEMBERS).map(([name, address]) => memberMachine(name, address, now));
  const guests = Object.entries(GUESTS).map(([name, plan]) => guestMachine(name, plan, now));
  return {
    machines: Object.fromEntries([...members, ...guests].map((machine) => [machine.name, machine])),
    cluster: {
      members: Object.fromEntries(
        Object.keys(MEMBERS).map((name) => [
          name,
          { version: '6.0.4', evacuated: false, stoppedByEvacuation: [], description: '' },
        ]),
      ),
      instances: Object.fromEntries(Object.entries(GUESTS).map(([name, plan]) => [name, instance(name, plan, now)])),
      volumes: Object.fromEntries(
        Object.values(GUESTS).flatMap(({ volume, member }) =>
          volume === undefined ? [] : [[`${POOL}/${volume}`, customVolume(volume, member, now)]],
        ),
      ),
      pools: {
        [POOL]: Object.fromEntries(
          Object.keys(MEMBERS).map((name) => [
            name,
            { status: 'Created', health: 'ONLINE', usedBytes: 180 * GIB, totalBytes: 460 * GIB },
          ]),
        ),
      },
      config: {},
      networks: { incusbr0: { description: '', config: { 'ipv4.address': '10.0.1.1/24', 'ipv4.nat': 'true' } } },
      profiles: { default: DEFAULT_PROFILE },
      groups: { desktops: { description: '', members: ['elitedesk-1', 'elitedesk-2'] } },
      tokens: {},
      aliases: ['nixos', 'guest'],
    },
    registry: Object.fromEntries(containers.map((name) => [imageReference(name), image(name)])),
    images: Object.fromEntries(containers.map((name) => [image(name).digest, image(name)])),
    faults: [],
    pace,
  };
}

const DEFAULT_PROFILE = {
  description: 'Default Incus profile',
  config: { 'cluster.evacuate': 'stop' },
  devices: {
    root: { type: 'disk', path: '/', pool: POOL },
    eth0: { type: 'nic', network: 'incusbr0', name: 'eth0' },
  },
};

/** The same three members, or others, newly installed: each has an Incus of its own and an empty dataset for its pool. */
export function bareState(pace: number, named: Readonly<Record<string, string>> = MEMBERS): State {
  const now = new Date().toISOString();
  const members = Object.entries(named).map(([name, address]) => bareMachine(name, address, now));
  return {
    machines: Object.fromEntries(members.map((machine) => [machine.name, machine])),
    cluster: emptyDatabase(),
    registry: {},
    images: {},
    faults: [],
    pace,
  };
}

function bareMachine(name: string, address: string, now: string): Machine {
  const machine = memberMachine(name, address, now);
  return {
    ...machine,
    datasets: { [POOL]: { snapshots: {} }, [`${POOL}/incus`]: { snapshots: {} } },
    zpools: { [POOL]: { status: 'Created', health: 'ONLINE', usedBytes: GIB, totalBytes: 460 * GIB } },
    incus: { version: '6.0.4', addresses: {}, database: { ...emptyDatabase(), aliases: ['guest'] } },
  };
}

function machineBase(name: string, address: string, now: string): Omit<Machine, 'kind' | 'units'> {
  return {
    name,
    address,
    power: 'on',
    bootId: '',
    machineId: createHash('sha256').update(`machine ${name}`).digest('hex').slice(0, 32),
    bootedAt: now,
    clockOffsetMs: 0,
    containers: {},
    images: {},
    endpoints: [],
    datasets: {},
  };
}

function memberMachine(name: string, address: string, now: string): Machine {
  const names = [
    'sshd.service',
    'incus.service',
    'incus.socket',
    'incus-startup.service',
    'prometheus-node-exporter.service',
    'promtail.service',
    'zfs-mount.service',
  ];
  const replicas = name === 'nuc-1' ? ['edge-data', 'home-data', 'metrics-data'] : [];
  return {
    ...machineBase(name, address, now),
    kind: 'member',
    units: Object.fromEntries(names.map((unit) => [unit, installedUnit(unit)])),
    disks: [
      systemDisk(name),
      poolDisk(name, 'b', POOL),
      ...(replicas.length === 0 ? [] : [poolDisk(name, 'c', REPLICAS)]),
    ],
    datasets: Object.fromEntries(replicas.map((volume) => [`${REPLICAS}/replica/${volume}`, replica(volume)])),
  };
}

/** A copy that is four hours old. */
function replica(volume: string): Dataset {
  return { snapshots: { 'snapshot-nightly': nightly(volume) }, readonly: true };
}

/** The snapshot itself has expired on the sender, its bookmark is what the next increment builds on. */
function replicated(volume: string): Dataset {
  const { guid = '', ...more } = nightly(volume);
  const target = createHash('sha256').update(`homelab nuc-1 ${REPLICAS}/replica`).digest('hex').slice(0, 8);
  const mark = `runbook-${target}-${BigInt(guid).toString(16)}`;
  return { snapshots: {}, mounted: true, bookmarks: { [mark]: { ...more, guid } } };
}

function nightly(volume: string): DatasetPoint {
  return { creation: Math.floor(Date.now() / 1000) - 4 * 3600, guid: guidFrom(`nightly ${volume}`) };
}

function guestMachine(name: string, { address, containers, engine, port }: GuestPlan, now: string): Machine {
  const own = engine === undefined ? [] : containers;
  const app = own.length === 0 ? ['dnsmasq.service'] : [];
  const asUnits = engine === 'podman' ? own : [];
  return {
    ...machineBase(name, address, now),
    kind: 'guest',
    units: Object.fromEntries([
      ...['sshd.service', 'prometheus-node-exporter.service', ...app].map((unit) => [unit, installedUnit(unit)]),
      ...asUnits.map((container) => [`podman-${container}.service`, installedUnit(container, { container })]),
    ]) as Machine['units'],
    containers: Object.fromEntries(own.map((container) => [container, newContainer(container, engine ?? 'podman')])),
    images: Object.fromEntries(
      own.map((container) => [imageReference(container), digestFor(imageReference(container), 1)]),
    ),
    endpoints: [{ port, path: '/health', containers: own, units: app }],
  };
}

/** What an image of that guest boots into: its services are there, its host key and its files are others. */
export function guestOfImage(name: string): Machine {
  const nobody: GuestPlan = { member: '', address: '10.0.0.99', type: 'container', containers: [], port: 80 };
  return guestMachine(name, GUESTS[name] ?? nobody, new Date().toISOString());
}

function newContainer(name: string, engine: Container['engine']): Container {
  const image = imageReference(name);
  return {
    engine,
    image,
    digest: digestFor(image, 1),
    running: true,
    id: createHash('sha256').update(name).digest('hex'),
    startedAt: new Date().toISOString(),
    ...(engine === 'docker' ? { project: { name: 'home', file: COMPOSE_FILE, service: name } } : {}),
  };
}

function instance(name: string, { member, type, volume }: GuestPlan, now: string): Instance {
  return {
    name,
    project: 'default',
    type,
    location: member,
    status: 'Running',
    config: { 'image.description': 'NixOS 26.05' },
    devices: {
      root: { type: 'disk', path: '/', pool: POOL },
      ...(volume === undefined ? {} : { [volume]: { type: 'disk', pool: POOL, source: volume, path: '/srv' } }),
    },
    createdAt: now,
    content: 'as created',
    snapshots: {},
  };
}

function customVolume(name: string, location: string, now: string): Volume {
  return {
    pool: POOL,
    name,
    project: 'default',
    location,
    contentType: 'filesystem',
    config: {},
    createdAt: now,
    content: 'as created',
    snapshots: {},
    dataset: replicated(name),
  };
}

/** The closures that the machines run to begin with. */
export function initialClosures(): { machine: string; closure: ReturnType<typeof closureOf> }[] {
  return Object.entries(referenceFlake().nodes).map(([machine, spec]) => ({
    machine,
    closure: closureOf(machine, spec),
  }));
}

export function referenceFleetFile(): string {
  const members = Object.entries(MEMBERS).map(
    ([name, address]) => `  ${name}:
    address: ${address}
    ssh: { hostKey: ${hostKeyOf(name)} }
    probes:
      - { type: systemd, units: [incus.service, prometheus-node-exporter.service], timeout: 5s, for: 5s }`,
  );
  const guests = Object.entries(GUESTS).map(([name, plan]) => guestYaml(name, plan));
  const backups = Object.entries(GUESTS).flatMap(([guest, { volume }]) =>
    volume === undefined
      ? []
      : [
          `  ${volume}:\n    guest: ${guest}\n    volumes: [${volume}]\n    to: [{ type: zfs, member: nuc-1, dataset: ${REPLICAS}/replica }]`,
        ],
  );
  return `version: 1
name: homelab
members:
${members.join('\n')}
guests:
${guests.join('\n')}
backups:
${backups.join('\n')}
cluster:
  pools: { ${POOL}: { type: zfs, dataset: ${POOL}/incus } }
  networks: { incusbr0: { config: { ipv4.address: 10.0.1.1/24, ipv4.nat: true } } }
  profiles:
    default:
      config: { cluster.evacuate: stop }
      devices:
        root: { type: disk, path: /, pool: ${POOL} }
        eth0: { type: nic, network: incusbr0, name: eth0 }
  groups: { desktops: { members: [elitedesk-1, elitedesk-2] } }
policies:
  upgrade:
    reboot: automatic
    soak: 1s
    confirmTimeout: 3s
    activationTimeout: 20s
    maxClockSkew: 5s
`;
}

function guestYaml(name: string, { member, address, type, engine, containers, volume, port }: GuestPlan): string {
  const lines = [`  ${name}:`, `    member: ${member}`, `    type: ${type}`];
  if (type === 'virtual-machine')
    lines.push(`    address: ${address}`, `    ssh: { hostKey: ${hostKeyOf(name)} }`, `    deploy: { node: ${name} }`);
  if (volume !== undefined) lines.push(`    volumes: [{ pool: ${POOL}, name: ${volume} }]`);
  if (engine === 'podman')
    lines.push(
      '    containers:',
      '      type: units',
      '      engine: podman',
      '      units:',
      ...containers.map((each) => `        - { unit: podman-${each}.service, container: ${each} }`),
    );
  if (engine === 'docker') lines.push(`    containers: { type: compose, engine: docker, file: ${COMPOSE_FILE} }`);
  lines.push(
    '    probes:',
    `      - { type: http, from: guest, url: 'http://localhost:${port}/health', contains: ok, timeout: 5s, for: 5s }`,
  );
  return lines.join('\n');
}
