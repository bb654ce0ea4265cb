import type { Host } from '../hosts/host.ts';
import { listFolder } from '../tools/folder.ts';
import { toolFailure } from './failure.ts';
import { STATE_DIR } from './join-mark.ts';
import { plainly } from './plainly.ts';

const FOLDER = `${STATE_DIR}/quorum`;

/** `halted`: its Incus was stopped by a run, and is not started again. `recovered`: it was made the only one that votes. */
export type QuorumMark = 'halted' | 'recovered';

/** What runs have noted on a member, for the run that comes after one that was cut off. */
export async function quorumMarks(host: Host, signal: AbortSignal): Promise<Set<QuorumMark>> {
  const listed = await listFolder(host, FOLDER, { signal });
  if (listed.type === 'unexpected') throw toolFailure(`Looking into ${FOLDER} on ${host.name}`, listed);
  const names = listed.type === 'entries' ? listed.names : [];
  return new Set(names.filter((name): name is QuorumMark => name === 'halted' || name === 'recovered'));
}

export async function setQuorumMark(host: Host, mark: QuorumMark, runName: string, signal: AbortSignal): Promise<void> {
  await plainly(host, ['mkdir', '-p', '-m', '700', FOLDER], signal);
  await host.putFile(`${FOLDER}/${mark}`, `${runName}\n`, { signal });
}

export async function clearQuorumMark(host: Host, mark: QuorumMark, signal: AbortSignal): Promise<void> {
  await plainly(host, ['rm', '-f', `${FOLDER}/${mark}`], signal);
}
