import { join } from 'node:path';
import { waitForGuests } from './cluster.ts';
import { GUEST_IMAGE } from './golden.ts';
import { createGuests } from './guests.ts';
import { checkOn, keysOf } from './hosts.ts';
import type { RunRecord } from './run-record.ts';

/** Makes g1, g2, g3 on hosts that were bare and are a cluster now. They are as new: nothing was deployed to them. */
export async function makeGuests(record: RunRecord): Promise<void> {
  // `makeBare` has given n1 the image, for the trial containers of whoever forms the cluster.
  await checkOn(record, 'n1', ['incus', 'image', 'delete', '-q', 'guest']);
  await createGuests(record, join(record.golden, GUEST_IMAGE), keysOf(record));
  await waitForGuests(record);
}
