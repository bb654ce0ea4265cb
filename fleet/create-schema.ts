import * as z from 'zod';

import * as field from './fields.ts';
import { variant } from './variant.ts';

/** What a guest is made from, where it is made anew. Its type, project and member are those of the guest itself. */
export const create = z.discriminatedUnion('type', [
  variant('incus', 'By Incus itself, on the member of the guest and on no other.', {
    image: field.image
      .describe(
        'The image, as `incus init` takes it. NixOS, with `age` and an ssh server in it; it boots into something that the guest’s configuration can be deployed to. No keys in it.',
      )
      .meta({ examples: ['nixos/26.05'] }),
    profiles: z
      .array(field.resourceName)
      .default(['default'])
      .describe('Profiles of Incus, in their order. An empty list: none.'),
    config: z
      .record(field.configKey, field.configValue)
      .prefault({})
      .describe(
        'Configuration of the instance, by Incus’s own keys; `cloud-init.user-data` for its first boot. Whole numbers, `true` and `false` need no quotes. No secrets: whoever may ask Incus can read it.',
      )
      .meta({ examples: [{ 'limits.memory': '4GiB' }] }),
    devices: z
      .record(field.resourceName, z.record(field.configKey, field.configValue))
      .prefault({})
      .describe(
        'Devices of the instance itself, as Incus names their keys: all that profiles do not give it. Volumes among them are attached only once the new one is deployed.',
      )
      .meta({
        examples: [
          {
            eth0: { type: 'nic', network: 'incusbr0', 'ipv4.address': '10.0.1.21' },
            data: { type: 'disk', pool: 'zpool', source: 'edge-data', path: '/srv' },
          },
        ],
      }),
  }),
  variant('terraform', 'By Terraform or OpenTofu, out of the folder of its member: `infra` says where that is.', {
    address: field.terraformAddress
      .describe(
        'Where the folder declares the instance. It has to have the guest’s name, its member as target, and its volumes.',
      )
      .meta({ examples: ['incus_instance.edge-vm'] }),
  }),
]);
