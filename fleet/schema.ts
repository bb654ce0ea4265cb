import * as z from 'zod';

import { approvalPolicy } from './approval-schema.ts';
import { backup, backupPolicy } from './backup-schema.ts';
import { cluster } from './cluster-schema.ts';
import { create } from './create-schema.ts';
import * as field from './fields.ts';
import { identity } from './identity-schema.ts';
import { infra } from './infra-schema.ts';
import { notifications } from './notification-schema.ts';
import { upgradePolicy } from './policy-schema.ts';
import { probe } from './probe-schema.ts';
import { schedule } from './schedule-schema.ts';
import { snapshots } from './snapshot-schema.ts';
import { secrets } from './secrets-schema.ts';
import { reinstall } from './reinstall-schema.ts';
import { variant } from './variant.ts';

/**
 * The shape of `runbook.yaml`. It declares only what cannot be seen: everything else is observed.
 * Descriptions and examples here are the text of docs/configuration.md and of the JSON Schema that editors use.
 * What one entry says about another is checked in references.ts.
 */

const ssh = z.strictObject({
  user: field.userName
    .default('root')
    .describe('The user to log in as. It needs root’s rights, through no password prompt.'),
  port: field.port.default(22).describe('Port of the ssh server.'),
  identityFile: field.keyPath
    .optional()
    .describe('Private key on the worker; `~` is the home of its user. Without it, ssh’s own configuration decides.')
    .meta({ examples: ['~/.ssh/runbook'] }),
  hostKey: field.hostKey
    .optional()
    .describe('The public host key, as `ssh-keyscan` prints it without the name. Without it, known_hosts decides.'),
});
const sshField = ssh.prefault({}).describe('How the worker logs in.');

const deploy = z.strictObject({
  node: field.resourceName
    .describe('The node in `deploy.nodes` of the monorepo’s flake.')
    .meta({ examples: ['edge-vm'] }),
  profile: field.resourceName.default('system').describe('The profile of that node.'),
});

const engine = z.enum(['podman', 'docker']).describe('What runs the containers.');
const unitContainers = variant(
  'units',
  'Each container is run by a systemd service: NixOS’s `virtualisation.oci-containers`, or Quadlet.',
  {
    engine,
    units: z
      .array(
        z.strictObject({
          unit: field.serviceUnit.describe('The service that is restarted to take the new image.'),
          container: field.containerName.describe('The container that the service runs, as the engine names it.'),
        }),
      )
      .min(1, 'at least one unit')
      .describe('The services, in the order in which they are updated.'),
  },
);
const composeContainers = variant('compose', 'The containers of one compose project.', {
  engine,
  file: field.absolutePath
    .describe('Absolute path of the compose file inside the guest.')
    .meta({ examples: ['/srv/home/compose.yaml'] }),
});
const containers = z.discriminatedUnion('type', [unitContainers, composeContainers]);

const probes = z.array(probe).default([]);

const member = z.strictObject({
  address: field.address
    .describe('IP address or stable name of the member, as the worker reaches it.')
    .meta({ examples: ['10.0.0.11'] }),
  ssh: sshField,
  deploy: deploy
    .optional()
    .describe(
      'What deploy-rs deploys here. Without it: the node of the member’s own name in the flake, profile `system`.',
    ),
  reinstall: reinstall
    .optional()
    .describe('How it is installed anew, once it answers as an installer. Without it, it never is.'),
  probes: probes.describe('What has to hold for the member to be healthy, besides being Online in the cluster.'),
});

const guest = z.strictObject({
  member: field.nodeName.describe('The member that it is placed on. Placement is explicit.'),
  type: z
    .enum(['virtual-machine', 'container'])
    .default('virtual-machine')
    .describe('The kind of Incus instance. Its name in Incus is the guest’s name here.'),
  project: field.resourceName.default('default').describe('The Incus project of the instance.'),
  address: field.address
    .optional()
    .describe('IP address or stable name, as the worker reaches it. Needed with `deploy`.'),
  ssh: sshField,
  deploy: deploy.optional().describe('What deploy-rs deploys into this guest. Without it, nothing is.'),
  volumes: z
    .array(
      z.strictObject({
        pool: field.resourceName.describe('The Incus storage pool.'),
        name: field.resourceName.describe('The custom volume, as Incus names it.'),
      }),
    )
    .default([])
    .describe('Custom storage volumes with the data of this guest. They are snapshotted together with it.'),
  create: create.optional().describe('What it is made from: `vm-recreate` makes it anew. Without it, that refuses.'),
  snapshots: snapshots
    .prefault({})
    .describe('Of this guest and its volumes, where it is to be otherwise than `policies.snapshots` says.'),
  secrets: z
    .array(field.repoPath)
    .default([])
    .describe('Files of the monorepo, encrypted with SOPS, that this guest can decrypt.')
    .meta({ examples: [['secrets/edge.enc.yaml']] }),
  dependsOn: z
    .array(field.nodeName)
    .default([])
    .describe('Guests that are upgraded before this one and have to be healthy.'),
  containers: containers.optional().describe('Containers whose images an upgrade updates. Without it, none.'),
  probes: probes.describe('What has to hold for the guest to be healthy, besides running.'),
  rollback: z
    .strictObject({
      snapshot: z
        .enum(['automatic', 'ask', 'never'])
        .default('ask')
        .describe(
          'Whether a rollback may go as far as restoring the snapshot of the instance and its volumes, ' +
            'the last rung of the ladder. That loses what was written since the upgrade began.',
        ),
    })
    .prefault({})
    .describe('How far a failed upgrade is undone.'),
});

const backupHost = z.strictObject({
  address: field.address
    .describe('IP address or stable name, as the worker reaches it.')
    .meta({ examples: ['10.0.0.20'] }),
  ssh: sshField,
});

export const fleetSchema = z.strictObject({
  version: z.literal(1, { error: 'the version 1' }).describe('The version of this format.'),
  name: field.nodeName.describe('What this fleet is called in lists and reports.').meta({ examples: ['homelab'] }),
  members: z
    .record(field.nodeName, member)
    .refine((members) => Object.keys(members).length > 0, 'at least one member')
    .describe('The machines of the Incus cluster, by their names in the cluster.')
    .meta({ minProperties: 1 }),
  guests: z
    .record(field.nodeName, guest)
    .default({})
    .describe('The virtual machines and system containers that run on the members, by their names in Incus.'),
  cluster: cluster
    .optional()
    .describe(
      'What the cluster is formed with, and where the pools of a member are: `cluster-bootstrap` and `node-rejoin` need it.',
    ),
  identity: identity
    .optional()
    .describe(
      'Who each member is to its cluster, its certificates and database, is copied to the other members, encrypted: the runbooks `identity-backup` and `node-rejoin` use it.',
    ),
  infra: infra
    .optional()
    .describe('How Terraform or OpenTofu is run on what the members carry: the runbook `infra-apply` uses it.'),
  secrets: secrets
    .prefault({})
    .describe(
      'Where the secrets that SOPS has encrypted are: `runbook secrets status` and the runbooks `rotate-keys` and `vm-recreate` use it.',
    ),
  orchestrator: z
    .strictObject({
      guest: field.nodeName.optional().describe('The guest that they run in.'),
      member: field.nodeName.optional().describe('The member that they run on, outside of any guest.'),
    })
    .default({})
    .describe(
      'Where Temporal and the worker run, if on this fleet: one of the two. That node is upgraded last, and only ' +
        'with `--allow-orchestrator`.',
    ),
  backupHosts: z
    .record(field.nodeName, backupHost)
    .default({})
    .describe('Machines with ZFS that are no members of the cluster and hold replicas, by a name of your choice.'),
  backups: z
    .record(field.nodeName, backup)
    .default({})
    .describe('Which volumes are copied where by `nightly-backup`, by a name of your choice.'),
  schedules: z
    .record(field.nodeName, schedule)
    .default({})
    .describe('What runs by itself, by a name of your choice. `runbook schedules apply` brings it into effect.'),
  notifications: notifications
    .prefault({})
    .describe('Who is told when something fails, waits or is overdue: [notifications](notifications.md).'),
  policies: z
    .strictObject({
      upgrade: upgradePolicy.prefault({}).describe('How upgrades are done.'),
      backup: backupPolicy.prefault({}).describe('How backups are done.'),
      approvals: approvalPolicy.prefault({}).describe('Who has to say yes to what runs ask.'),
      snapshots: snapshots
        .prefault({})
        .describe('What every instance and every custom volume is to have: `drift` shows those that have not.'),
    })
    .prefault({})
    .describe('What is allowed to happen, and how careful to be.'),
});

/** A fleet file that was read and found right; every default is filled in. */
export type Fleet = z.output<typeof fleetSchema>;
export type Member = z.output<typeof member>;
export type Guest = z.output<typeof guest>;
export type GuestCreation = z.output<typeof create>;
export type IncusCreation = Extract<GuestCreation, { type: 'incus' }>;
export type Probe = z.output<typeof probe>;
export type Ssh = z.output<typeof ssh>;
export type ContainersOf = z.output<typeof containers>;
export type UpgradePolicy = z.output<typeof upgradePolicy>;
export type ClusterDeclaration = z.output<typeof cluster>;
export type IdentityDeclaration = z.output<typeof identity>;
export type InfraDeclaration = z.output<typeof infra>;
export type Backup = z.output<typeof backup>;
export type BackupPolicy = z.output<typeof backupPolicy>;
export type ReplicaTarget = Extract<Backup['to'][number], { type: 'zfs' }>;
export type ResticTarget = Extract<Backup['to'][number], { type: 'restic' }>;
export type Notifications = z.output<typeof notifications>;
export type Channel = Notifications['channels'][string];
export type Schedule = z.output<typeof schedule>;
