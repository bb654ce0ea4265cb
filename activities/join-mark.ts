import type { Host } from '../hosts/host.ts';
import { listFolder } from '../tools/folder.ts';
import { toolFailure } from './failure.ts';

/** What runbook keeps on a host, jobs among it. */
export const STATE_DIR = '/var/lib/runbook';
const NAME = 'joining';
export const MARK = `${STATE_DIR}/${NAME}`;

/** Whether a join was begun here by a run and has not come to its end: what it left is ours to take back. */
export async function isMarked(host: Host, signal: AbortSignal): Promise<boolean> {
  const listed = await listFolder(host, STATE_DIR, { signal });
  if (listed.type === 'unexpected') throw toolFailure(`Looking into ${STATE_DIR} on ${host.name}`, listed);
  return listed.type === 'entries' && listed.names.includes(NAME);
}
