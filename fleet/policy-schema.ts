import * as z from 'zod';

import { duration, durationOrNone, wholeNumber, wholeSeconds } from './fields.ts';

export const upgradePolicy = z.strictObject({
  backup: z
    .enum(['require', 'warn', 'off'])
    .default('require')
    .describe(
      'What it means for an upgrade when a copy that `backups` names is missing or too old: `require` refuses, ' +
        '`warn` says so and goes on, `off` does not look.',
    ),
  backupMaxAge: duration.default('26h').describe('The newest backup of each volume may be at most this old.'),
  minFreeSpace: wholeNumber(0, 99)
    .default(10)
    .describe('Free space that the storage pool has to have before snapshots are made, in per cent.'),
  maxClockSkew: duration.default('5s').describe('How far the clocks of worker and host may be apart.'),
  snapshotExpiry: duration.default('7d').describe('How long the snapshots made before an upgrade are kept.'),
  keepRuns: wholeNumber(1, 100)
    .default(3)
    .describe('Snapshots of this many earlier upgrades are kept per instance, if they have not expired.'),
  reboot: z
    .enum(['automatic', 'ask', 'never'])
    .default('ask')
    .describe(
      'What to do when the new configuration needs a reboot: `automatic` drains the member and reboots, ' +
        '`ask` waits for an approval first, `never` refuses before anything is changed.',
    ),
  soak: durationOrNone
    .default('60s')
    .describe('The quiet time after the probes first hold; they have to hold still at its end. `0s` is none.'),
  betweenMembers: z
    .enum(['continue', 'ask'])
    .default('continue')
    .describe('With `--all`: go on to the next member by itself once one is healthy, or wait for an approval.'),
  confirmTimeout: wholeSeconds
    .default('30s')
    .describe('deploy-rs: how long a host waits for the confirmation before it rolls back by itself.'),
  activationTimeout: wholeSeconds.default('240s').describe('deploy-rs: how long an activation may take.'),
  approvalTimeout: duration.default('8h').describe('How long a run waits for a person. After that the answer is no.'),
});
