import type { FoundPool, RejoinObservation } from './rejoin.ts';

/**
 * `nothing lost`: it is the member that the cluster knows. `root disk lost`: a new Incus, and its pools have what they had.
 * `data disk lost`: a new Incus, and its pools are empty. `unknown`: its pools are not imported yet, or something is in the way.
 */
export type RejoinCase = 'nothing lost' | 'root disk lost' | 'data disk lost' | 'unknown';

/** `identity`: it goes on as the member that it was. `fresh join`: the cluster forgets it, and it joins anew. */
export type RejoinWay = 'identity' | 'fresh join';

const holds = ({ place, aside }: FoundPool): boolean =>
  place === 'holds' || aside.some(({ contents }) => contents.length > 0);

export function caseOf({ host }: RejoinObservation): RejoinCase {
  if (host === undefined || host.incus.type === 'silent') return 'unknown';
  if (host.incus.type === 'member') return 'nothing lost';
  if (host.pools.some(({ zpool }) => zpool !== 'imported')) return 'unknown';
  return host.pools.some(holds) ? 'root disk lost' : 'data disk lost';
}

/**
 * Of a host whose Incus is new. An identity is restored only where the cluster still lists it under an address that the host
 * has, where nothing was set aside for a fresh join yet, and where its disks have something that its records are of.
 */
export function wayOf(observation: RejoinObservation): RejoinWay {
  const { cluster, host, copies } = observation;
  const begun = host?.pools.some(({ aside }) => aside.length > 0) === true;
  const known = cluster !== undefined && host?.hasListedAddress === true;
  const isEmpty = caseOf(observation) === 'data disk lost';
  return known && !begun && !isEmpty && copies.length > 0 ? 'identity' : 'fresh join';
}
