import type { FormationObservation, MemberFormation } from './formation.ts';

/** What a run that ended early leaves in the middle, one line each, so that nobody finds it by chance. Pure. */
export function halfWayOf({ members }: FormationObservation): string[] {
  const listed = new Set(members.flatMap(({ cluster = [] }) => cluster.map(({ name }) => name)));
  return members.flatMap((member) => stateOf(member, listed.has(member.name)));
}

function stateOf({ name, problem, interrupted, clustered }: MemberFormation, isListed: boolean): string[] {
  const inCluster = isListed ? '; the cluster lists it' : '';
  if (interrupted)
    return [`${name} is in the middle of its join${inCluster}: the next run waits for it, or takes it back`];
  if (problem !== undefined) return [`${name} does not answer, and may be in the middle of its join${inCluster}`];
  if (clustered !== true && isListed)
    return [`${name} is listed by the cluster, and is not part of it on its own side`];
  return [];
}
