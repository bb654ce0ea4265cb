import * as z from 'zod';

import * as field from './fields.ts';

/** What snapshots Incus makes by itself. Terraform or a person sets it; `drift` holds instances and volumes to it. */
export const snapshots = z.strictObject({
  schedule: field.snapshotSchedule
    .optional()
    .describe('`snapshots.schedule` of Incus; `@never` is none. Without it any will do, but there has to be one.')
    .meta({ examples: ['@daily'] }),
  expiry: field.snapshotExpiry
    .optional()
    .describe('`snapshots.expiry` of Incus. Without it any will do, but there has to be one.')
    .meta({ examples: ['7d'] }),
});
