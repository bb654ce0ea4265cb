import * as z from 'zod';

import * as field from './fields.ts';
import { variant } from './variant.ts';

const kept = (period: string) =>
  field.wholeNumber(1, 1000).optional().describe(`So many ${period} keep their newest snapshot.`);

const keep = z
  .strictObject({
    last: field.wholeNumber(1, 1000).optional().describe('So many of the newest snapshots are kept.'),
    daily: kept('days'),
    weekly: kept('weeks'),
    monthly: kept('months'),
    yearly: kept('years'),
  })
  .refine((rules) => Object.values(rules).some((number) => number !== undefined), 'at least one rule')
  .meta({ minProperties: 1 });

const environmentFile = field.absolutePath
  .optional()
  .describe(
    'Lines `NAME=value` for restic, such as RESTIC_REST_PASSWORD or AWS_SECRET_ACCESS_KEY, on the machine where restic runs. ' +
      'Nobody but its owner may read it.',
  )
  .meta({ examples: ['/run/secrets/restic-env'] });
const repository = field.resticRepository
  .describe('The repository, as `restic --repo` takes it. Credentials do not belong here.')
  .meta({ examples: ['rest:https://backup.lan/edge'] });
const passwordFile = field.absolutePath
  .describe('Where the password is, on the machine where restic runs. Never the password itself.')
  .meta({ examples: ['/run/secrets/restic'] });

const maintenance = z.strictObject({
  member: field.nodeName.describe('The member where restic runs for that.'),
  repository,
  passwordFile,
  environmentFile,
});

/** A repository that a guest's data goes to. What it says about the guest is checked in backup-references.ts. */
export const resticTarget = variant('restic', 'A restic repository.', {
  repository,
  passwordFile,
  environmentFile,
  from: z
    .enum(['member', 'guest'])
    .default('guest')
    .describe(
      'Where restic runs, and what it reads: `guest` is in the guest, which reads `paths`; `member` is on the member of the guest, ' +
        'which reads the snapshots of `volumes`.',
    ),
  paths: z
    .array(field.absolutePath)
    .min(1, 'at least one path')
    .optional()
    .describe('What restic reads in the guest, with all that is below. Needed with `from: guest`.')
    .meta({ examples: [['/srv/data']] }),
  tag: field.resticTag.optional().describe('Snapshots get this tag, and only those with it count.'),
  keep: keep.optional().describe('Which snapshots `restic forget` leaves. Without it, all of them.'),
  backupEvery: field.duration
    .default('1d')
    .describe(
      'So often a backup is made. Nine tenths of the time are enough, since no night begins at the same second.',
    ),
  forgetEvery: field.duration
    .default('1d')
    .describe('So often snapshots that `keep` does not keep are forgotten, of those that runbook has made.'),
  pruneEvery: field.duration.default('7d').describe('So often data that no snapshot needs is deleted.'),
  checkEvery: field.duration
    .default('1d')
    .describe('So often the repository is checked, and one part of its data read.'),
  checkSubsets: field
    .wholeNumber(1, 1000)
    .default(30)
    .describe(
      'Into so many parts the data is divided: each check reads the next one, so that so many checks read all.',
    ),
  maxAge: field.duration
    .default('26h')
    .describe('The newest complete backup may be at most this old; forget, prune and check this much over their time.'),
  maintenance: maintenance
    .optional()
    .describe(
      'Where forget, prune and check run, and by which way to the repository: for one that takes backups but lets nobody delete ' +
        '(`rest-server --append-only`). Without it they run where the backup does.',
    ),
});
