import type { FoundPool, RejoinObservation } from './rejoin.ts';

/**
 * `nothing lost`: it is the member that the cluster knows. `root disk lost`: a new Incus, and its pools have what they had.
 * `data disk lost`: a new Incus, and its pools are empty. `unknown`: its pools are not imported yet, or something is in the way.
 */
export type RejoinCase = 'nothing lost' | 'root disk lost' | 'data disk lost' | 'unknown';

const holds = ({ place, aside }: FoundPool): boolean =>
  place === 'holds' || aside.some(({ contents }) => contents.length > 0);

export function caseOf({ host }: RejoinObservation): RejoinCase {
  if (host === undefined || host.incus.type === 'silent') return 'unknown';
  if (host.incus.type === 'member') return 'nothing lost';
  if (host.pools.some(({ zpool }) => zpool !== 'imported')) return 'unknown';
  return host.pools.some(holds) ? 'root disk lost' : 'data disk lost';
}
