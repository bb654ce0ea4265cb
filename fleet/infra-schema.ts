import * as z from 'zod';

import * as field from './fields.ts';
import { variant } from './variant.ts';

/** How Terraform is run, by the runbook `infra-apply`. */
export const infra = z.strictObject({
  program: z
    .enum(['terraform', 'tofu'])
    .default('terraform')
    .describe('The program, which the worker has in its `PATH`: Terraform, or OpenTofu.'),
  dir: field.repoPath
    .default('infra/incus')
    .describe('The folder, beside `runbook.yaml`, that has one folder for each member, of its name: one state each.'),
  state: z
    .discriminatedUnion('type', [
      variant('local', 'Files on the worker’s machine, `<member>.tfstate`. Not with workers on several machines.', {
        dir: field.absolutePath
          .describe('The folder of the state files. It is made where it is not there, for its owner only.')
          .meta({ examples: ['/var/lib/runbook-terraform'] }),
      }),
      variant('backend', 'Wherever the `backend` block of each folder says.', {}),
    ])
    .describe('Where states are. There is no default: a state that is lost is an infrastructure that nobody knows.'),
  stateBackups: z
    .strictObject({
      dir: field.absolutePath
        .describe('A folder on the worker’s machine. It holds secrets, so it is for its owner only.')
        .meta({ examples: ['/var/lib/runbook-terraform/backups'] }),
      keep: field.wholeNumber(1, 1000).default(30).describe('So many copies of each member’s state are kept.'),
    })
    .describe('Where the state goes before each apply.'),
  environmentFile: field.absolutePath
    .optional()
    .describe(
      'A file on the worker’s machine with lines `NAME=value`, which only its owner can read: `TF_VAR_…`, credentials of a backend or a provider. Never in the monorepo.',
    )
    .meta({ examples: ['/run/secrets/terraform.env'] }),
  protect: z
    .array(field.resourceType)
    .default([])
    .describe(
      'Types of resources of which no deletion and no replacement is done unless the approval names it. `incus_instance`, `incus_storage_volume`, `incus_storage_bucket`, `incus_storage_pool` and `incus_project` always are.',
    )
    .meta({ examples: [['incus_network']] }),
  lockTimeout: field.wholeSeconds
    .default('2m')
    .describe('How long a state is waited for that somebody else has locked.'),
  approvalTimeout: field.duration
    .default('24h')
    .describe('How long a plan waits for a person. After that the answer is no.'),
  remindEvery: field.duration
    .default('4h')
    .describe('How often the log of the worker says that a plan still waits, and for whom.'),
});
