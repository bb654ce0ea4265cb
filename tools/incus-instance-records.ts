import { z } from 'zod';
import type { IncusApi } from './incus-api.ts';
import type { IncusFailure } from './incus-errors.ts';
import { literal, rows } from './incus-sql.ts';

const baseSchema = rows(z.tuple([z.string(), z.string(), z.number()]));
const configSchema = rows(z.tuple([z.string(), z.string(), z.string(), z.string()]));
const deviceSchema = rows(
  z.tuple([z.string(), z.string(), z.string(), z.number(), z.string().nullable(), z.string().nullable()]),
);
const pairSchema = rows(z.tuple([z.string(), z.string()]));
const profileSchema = rows(z.tuple([z.string(), z.string(), z.string()]));

/** An instance as the cluster's database has it: of its own, without what its profiles add. */
export interface KnownInstance {
  project: string;
  name: string;
  type: 'container' | 'virtual-machine';
  /** Can hold secrets (`cloud-init.user-data`). */
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
  /** In the order in which they apply. */
  profiles: string[];
}

/** Instances of a member that is away, and of what they could be made anew. */
export interface IncusInstanceRecords {
  /** Only the database has the configuration of an offline member's instances. */
  instanceRecords(member: string): Promise<{ type: 'instance records'; instances: KnownInstance[] } | IncusFailure>;
  /** Images that another member has as well: with this one alone, its own are gone. */
  imagesBeside(
    member: string,
  ): Promise<{ type: 'images'; images: { project: string; fingerprint: string }[] } | IncusFailure>;
}

export function createIncusInstanceRecords(api: IncusApi): IncusInstanceRecords {
  const select = <T>(query: string, schema: z.ZodType<{ rows: T[] }>) =>
    api.read<{ rows: T[] }>(['incus', 'admin', 'sql', 'global', query, '-f', 'json'], schema, () => undefined);

  return {
    instanceRecords: async (member) => {
      const [base, config, devices, profiles] = [
        await select(instancesOn(member), baseSchema),
        await select(configOn(member), configSchema),
        await select(devicesOn(member), deviceSchema),
        await select(profilesOn(member), profileSchema),
      ];
      if (base.type !== 'json') return base;
      if (config.type !== 'json') return config;
      if (devices.type !== 'json') return devices;
      if (profiles.type !== 'json') return profiles;
      const instances = base.value.rows.map(([project, name, type]): KnownInstance => {
        const isOwn = (row: readonly unknown[]): boolean => row[0] === project && row[1] === name;
        return {
          ...{ project, name, type: type === 1 ? 'virtual-machine' : 'container' },
          config: Object.fromEntries(config.value.rows.filter(isOwn).map(([, , key, value]) => [key, value])),
          devices: devicesIn(devices.value.rows.filter(isOwn)),
          profiles: profiles.value.rows.filter(isOwn).map(([, , profile]) => profile),
        };
      });
      return { type: 'instance records', instances };
    },
    imagesBeside: async (member) => {
      const answer = await select(imagesBeside(member), pairSchema);
      if (answer.type !== 'json') return answer;
      return { type: 'images', images: answer.value.rows.map(([project, fingerprint]) => ({ project, fingerprint })) };
    },
  };
}

/** As Incus numbers them in its database: 6.0.4, internal/server/db/cluster/devices.go. */
const DEVICE_TYPES = [
  ...(['none', 'nic', 'disk', 'unix-char', 'unix-block', 'usb', 'gpu', 'infiniband', 'proxy', 'unix-hotplug'] as const),
  ...(['tpm', 'pci'] as const),
];

function devicesIn(found: readonly z.output<typeof deviceSchema>['rows'][number][]): KnownInstance['devices'] {
  const devices: KnownInstance['devices'] = {};
  for (const [, , name, type, key, value] of found) {
    const device = (devices[name] ??= { type: DEVICE_TYPES[type] ?? 'none' });
    if (key !== null && value !== null) device[key] = value;
  }
  return devices;
}

const OF_MEMBER = [
  'JOIN projects ON projects.id = instances.project_id',
  'JOIN nodes ON nodes.id = instances.node_id',
].join(' ');

const instancesOn = (member: string): string =>
  [
    'SELECT projects.name, instances.name, instances.type FROM instances',
    `${OF_MEMBER} WHERE nodes.name = ${literal(member)}`,
  ].join(' ');

const configOn = (member: string): string =>
  [
    'SELECT projects.name, instances.name, instances_config.key, instances_config.value FROM instances_config',
    'JOIN instances ON instances.id = instances_config.instance_id',
    `${OF_MEMBER} WHERE nodes.name = ${literal(member)}`,
  ].join(' ');

const devicesOn = (member: string): string =>
  [
    'SELECT projects.name, instances.name, instances_devices.name, instances_devices.type,',
    'instances_devices_config.key, instances_devices_config.value FROM instances_devices',
    'JOIN instances ON instances.id = instances_devices.instance_id',
    'LEFT JOIN instances_devices_config ON instances_devices_config.instance_device_id = instances_devices.id',
    `${OF_MEMBER} WHERE nodes.name = ${literal(member)}`,
  ].join(' ');

const profilesOn = (member: string): string =>
  [
    'SELECT projects.name, instances.name, profiles.name FROM instances_profiles',
    'JOIN instances ON instances.id = instances_profiles.instance_id',
    'JOIN profiles ON profiles.id = instances_profiles.profile_id',
    `${OF_MEMBER} WHERE nodes.name = ${literal(member)} ORDER BY instances_profiles.apply_order`,
  ].join(' ');

const imagesBeside = (member: string): string =>
  [
    'SELECT DISTINCT projects.name, images.fingerprint FROM images',
    'JOIN projects ON projects.id = images.project_id',
    'JOIN images_nodes ON images_nodes.image_id = images.id',
    'JOIN nodes ON nodes.id = images_nodes.node_id',
    `WHERE nodes.name <> ${literal(member)}`,
  ].join(' ');
