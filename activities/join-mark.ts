import type { Host } from '../hosts/host.ts';
import { marksIn } from './marks.ts';

/** What runbook keeps on a host, jobs among it. */
export const STATE_DIR = '/var/lib/runbook';

/**
 * `joining`: a join was begun here by a run and has not come to its end; what it left is ours to take back. `untried`: a run made
 * it a member, and has not seen a container start on it.
 */
export const { on: marksOn, set: setMark, remove: removeMark } = marksIn(STATE_DIR, ['joining', 'untried']);

export const isMarked = async (host: Host, signal: AbortSignal): Promise<boolean> =>
  (await marksOn(host, signal)).has('joining');
