import * as z from 'zod';

import * as field from './fields.ts';
import { resticTarget } from './restic-schema.ts';
import { variant } from './variant.ts';

/** What is copied, where it goes, and how long it stays there. */

const hook = (example: string[]) =>
  z
    .array(field.argument)
    .min(1, 'at least the program')
    .optional()
    .meta({ examples: [example] });

const hooks = z.strictObject({
  before: hook(['fsfreeze', '--freeze', '/srv/data']).describe(
    'Run in the guest before its snapshots: a program and its arguments, no shell. Where it fails, none are made.',
  ),
  after: hook(['fsfreeze', '--unfreeze', '/srv/data']).describe(
    'Run in the guest once its snapshots are made, also where `before` or a snapshot failed.',
  ),
  timeout: field.duration.default('60s').describe('How long each of the two may take.'),
});

const keptCount = (what: string, otherwise: number) =>
  field
    .wholeNumber(0, 1000)
    .default(otherwise)
    .describe(`The newest snapshot of each of so many ${what} in which there is one.`);

/** Whatever the numbers: the newest stays, and what the next transfer begins at. */
const keep = z.strictObject({
  last: field.wholeNumber(1, 1000).default(2).describe('The newest ones.'),
  hourly: keptCount('hours', 0),
  daily: keptCount('days', 14),
  weekly: keptCount('weeks', 8),
  monthly: keptCount('months', 12),
  yearly: keptCount('years', 0),
});

const relayed = variant('relay', 'Through the worker, which reaches both hosts. Nothing has to be set up.', {});
const direct = variant(
  'direct',
  'From host to host: the sender logs in to the receiver by ssh with a key of its own.',
  {
    address: field.address
      .optional()
      .describe('The receiver as the sender reaches it. Without it, the address that the worker uses.'),
    user: field.userName.default('root').describe('The user to log in as. It may run `zfs receive`.'),
    port: field.port.default(22).describe('Port of the receiver’s ssh server.'),
    identityFile: field.absolutePath
      .describe('Private key on the sender.')
      .meta({ examples: ['/etc/runbook/replication'] }),
    hostKey: field.hostKey
      .optional()
      .describe(
        'The receiver’s public host key. Without it, the one in its own `ssh`; without that, the sender’s known_hosts decides.',
      ),
  },
);

const zfsTarget = variant('zfs', 'ZFS replicas on another member or on a backup host.', {
  member: field.nodeName.describe(
    'The member, or the one of `backupHosts`, that holds the replicas: another one than the guest’s own.',
  ),
  dataset: field.dataset
    .describe('The dataset there under which each volume has its replica, outside of Incus’s own.')
    .meta({ examples: ['tank/replicas'] }),
  path: z.discriminatedUnion('type', [relayed, direct]).prefault({ type: 'relay' }).describe('The way of the data.'),
  bandwidth: field.bandwidth
    .optional()
    .describe('At most so many bytes in a second. `pv` has to be on the machine that sends.')
    .meta({ examples: ['20M'] }),
  keep: keep
    .prefault({})
    .describe('Which snapshots of the replicas stay. What none of these asks for is destroyed there.'),
});

/** How a restore is tried out. */
const drill = z.strictObject({
  files: field
    .wholeNumber(1, 1_000_000)
    .optional()
    .describe(
      'The content of so many files is compared, others in each drill; names, sizes, owners and modes always are of all. Without it, the content of all of them.',
    ),
  check: z
    .array(field.argument)
    .min(1, 'at least the program')
    .optional()
    .describe(
      'Run where the copy was restored to, on the guest’s member, as root: a program and its arguments, no shell. The restored data are in the folder that the variable RUNBOOK_DRILL_PATH names; what it writes there goes with them. It has to end with 0.',
    )
    .meta({ examples: [['/etc/runbook/check-edge-data']] }),
  timeout: field.duration.default('10m').describe('How long `check` may take.'),
});

export const backup = z.strictObject({
  guest: field.nodeName.describe('The guest whose data this is.'),
  volumes: z
    .array(field.volumePattern)
    .default([])
    .describe(
      'Which of the guest’s volumes: names, or patterns in which `*` is any text and `?` one character. Without these and `labels`, all of them.',
    )
    .meta({ examples: [['edge-data', 'edge-*']] }),
  labels: z
    .record(field.userKey, z.string())
    .default({})
    .describe('Volumes of the guest whose configuration in Incus has all of these, besides those of `volumes`.')
    .meta({ examples: [{ 'user.backup': 'nightly' }] }),
  hooks: hooks.prefault({}).describe('What makes the guest’s data whole for the moment of the snapshots.'),
  keepSnapshots: field.hoursOrDays
    .default('7d')
    .describe('How long the snapshots stay at the source. Incus removes them then.'),
  drill: drill.prefault({}).describe('How `restore-drill` tries out a restore of these volumes.'),
  to: z
    .array(z.discriminatedUnion('type', [zfsTarget, resticTarget]))
    .min(1, 'at least one place')
    .describe('Where the copies are. An upgrade looks at the newest of each.'),
});

const drillPolicy = z.strictObject({
  copies: field
    .wholeNumber(1, 100)
    .default(2)
    .describe(
      'So many copies are restored in one drill: those first that were never proven, then those whose proof is oldest.',
    ),
  maxAge: field.hoursOrDays.default('30d').describe('So old may a proof be.'),
  scratch: field.dataset
    .optional()
    .describe(
      'The dataset on each member that copies are restored into for a drill, outside of Incus’s own. Without it, `runbook-drill` in the zpool of the volume.',
    )
    .meta({ examples: ['tank/runbook-drill'] }),
});

export const backupPolicy = z.strictObject({
  drill: drillPolicy.prefault({}).describe('How often a restore is tried out, and where.'),
  transfersPerHost: field
    .wholeNumber(1, 16)
    .default(1)
    .describe('So many transfers at once in which a host sends or receives.'),
  stallTimeout: field.duration
    .default('10m')
    .describe('A transfer that has not moved a byte for so long is ended, and goes on from where it was.'),
  minFreeSpace: field
    .wholeNumber(0, 99)
    .default(10)
    .describe('Free space that the receiver’s pool has to have after a transfer, in per cent.'),
});
