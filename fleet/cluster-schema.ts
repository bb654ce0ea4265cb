import * as z from 'zod';

import * as field from './fields.ts';
import { variant } from './variant.ts';

const description = field.oneLineOrNone.default('').describe('What Incus shows of it in its lists.');

/** zod leaves a `default` out of the JSON Schema where something in it is transformed, and a `prefault` not. */
const config = (whose: string, example: Readonly<Record<string, string>>) =>
  z
    .record(field.configKey, field.configValue)
    .prefault({})
    .describe(
      `Configuration of ${whose}, by Incus’s own keys. Whole numbers, \`true\` and \`false\` need no quotes. No secrets: set those once the cluster is there.`,
    )
    .meta({ examples: [example] });

const pool = z.discriminatedUnion('type', [
  variant('zfs', 'A ZFS dataset of its own on each member.', {
    dataset: field.dataset
      .describe('The dataset, of one name on every member. There and empty before the cluster is formed.')
      .meta({ examples: ['zpool/incus'] }),
  }),
  variant('dir', 'A folder on each member. Without snapshots that cost nothing: for trying things.', {
    path: field.absolutePath
      .describe('The folder, of one name on every member. There and empty before the cluster is formed.')
      .meta({ examples: ['/var/lib/incus-pool'] }),
  }),
]);

const network = z.strictObject({
  description,
  config: config('the bridge', { 'ipv4.address': '10.0.1.1/24', 'ipv4.nat': 'true' }),
});

const profile = z.strictObject({
  description,
  config: config('the profile', { 'cluster.evacuate': 'stop' }),
  devices: z
    .record(field.resourceName, z.record(field.configKey, field.configValue))
    .prefault({})
    .describe('The devices of the profile, as Incus names their keys.')
    .meta({ examples: [{ root: { type: 'disk', path: '/', pool: 'zpool' } }] }),
});

const group = z.strictObject({
  description,
  members: z.array(field.nodeName).min(1, 'at least one member').describe('The members that belong to it.'),
});

/** What a cluster is formed with. After that Terraform looks after it. */
export const cluster = z.strictObject({
  port: field.port.default(8443).describe('Where the Incus of each member listens for the others.'),
  pools: z
    .record(field.resourceName, pool)
    .refine((pools) => Object.keys(pools).length > 0, 'at least one pool')
    .describe('The storage pools that every member has, by name.')
    .meta({ minProperties: 1 }),
  networks: z.record(field.networkName, network).prefault({}).describe('Bridges that Incus manages, by name.'),
  profiles: z
    .record(field.resourceName, profile)
    .prefault({})
    .describe('Profiles of the project `default`, by name. `cluster.evacuate: stop` belongs in each.'),
  groups: z.record(field.resourceName, group).default({}).describe('Groups of members, by name.'),
  config: config('the whole cluster', { 'cluster.offline_threshold': '60' }),
  waitForMembers: field.duration
    .default('6h')
    .describe(
      'How long a step of `cluster-bootstrap` is tried while a member is away. After that the run ends and names what is done and what is not.',
    ),
  trialImage: field.image
    .default('images:alpine/edge')
    .describe('The image of the container that is launched on each member and deleted again, to see that it can be.'),
});
