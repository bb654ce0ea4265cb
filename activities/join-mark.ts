import type { Host } from '../hosts/host.ts';
import { listFolder } from '../tools/folder.ts';
import { toolFailure } from './failure.ts';
import { plainly } from './plainly.ts';

/** What runbook keeps on a host, jobs among it. */
export const STATE_DIR = '/var/lib/runbook';

/**
 * `joining`: a join was begun here by a run and has not come to its end; what it left is ours to take back. `untried`: a run made
 * it a member, and has not seen a container start on it.
 */
export type Mark = 'joining' | 'untried';

export async function marksOn(host: Host, signal: AbortSignal): Promise<Set<Mark>> {
  const listed = await listFolder(host, STATE_DIR, { signal });
  if (listed.type === 'unexpected') throw toolFailure(`Looking into ${STATE_DIR} on ${host.name}`, listed);
  const names = listed.type === 'entries' ? listed.names : [];
  return new Set((['joining', 'untried'] as const).filter((mark) => names.includes(mark)));
}

export const isMarked = async (host: Host, signal: AbortSignal): Promise<boolean> =>
  (await marksOn(host, signal)).has('joining');

/** With the name of the run in it. Idempotent. */
export async function setMark(host: Host, mark: Mark, runName: string, signal: AbortSignal): Promise<void> {
  await plainly(host, ['mkdir', '-p', '-m', '700', STATE_DIR], signal);
  await host.putFile(`${STATE_DIR}/${mark}`, `${runName}\n`, { signal });
}

/** Idempotent. */
export const removeMark = (host: Host, mark: Mark, signal: AbortSignal): Promise<void> =>
  plainly(host, ['rm', '-f', `${STATE_DIR}/${mark}`], signal);
