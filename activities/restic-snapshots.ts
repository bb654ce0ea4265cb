import type { Host } from '../hosts/host.ts';
import type { ResticSourceScope } from '../plan/restic.ts';
import { createRestic, type ResticSnapshot } from '../tools/restic.ts';
import { resticFailure } from './restic-failure.ts';

/** A repository that is away keeps restic trying for a quarter of an hour. */
const ASKED_MS = 45_000;

/** What a repository has of a guest with all of these tags, for somebody who waits for the answer. */
export async function resticSnapshots(
  host: Host,
  { place, guest }: Pick<ResticSourceScope, 'place' | 'guest'>,
  tags: readonly string[],
  signal: AbortSignal,
): Promise<readonly ResticSnapshot[]> {
  const asked = { ...place, hostname: guest, tag: tags.join(',') };
  const listed = await createRestic(host, { signal, timeoutMs: ASKED_MS }).snapshots(asked);
  if (listed.type !== 'snapshots') throw resticFailure(host, listed);
  return listed.snapshots;
}
