import type { Host } from '../hosts/host.ts';
import { plainly } from './plainly.ts';

/**
 * What Incus writes of itself gets to the disk within half a minute. A loss of power before that leaves certificates that
 * are empty files, with which it never starts again: seen with 6.0.4 on ext4.
 */
export const bringIncusToDisk = (host: Host, signal: AbortSignal): Promise<void> =>
  plainly(host, ['sync', '--file-system', '--', '/var/lib/incus'], signal);
