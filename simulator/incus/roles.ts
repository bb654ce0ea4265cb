import type { Cluster } from '../core/state.ts';

export type Role = 'voter' | 'standby' | 'spare';

/** Fewer members have one that votes. */
const VOTE_FROM = 3;

const limit = ({ config }: Cluster, key: string, usual: number): number => Number(config[key] ?? usual);
const maxVoters = (cluster: Cluster): number => limit(cluster, 'cluster.max_voters', 3);
const maxStandbys = (cluster: Cluster): number => limit(cluster, 'cluster.max_standby', 2);

/** With which role a member is taken up, before anybody hands out others. */
export function roleOfNew(cluster: Cluster): Role {
  const roles = Object.values(rolesIn(cluster, () => true));
  const having = (role: Role): number => roles.filter((each) => each === role).length;
  if (roles.length > 1 && having('voter') < maxVoters(cluster)) return 'voter';
  return having('standby') < maxStandbys(cluster) ? 'standby' : 'spare';
}

/**
 * What the leader makes of the roles that members have, as far as they are heard: at once here, with its heartbeats in real ones. One
 * that is idle leaves them as they are.
 */
export function rolesIn(cluster: Cluster, isHeard: (name: string) => boolean): Record<string, Role> {
  const roles = Object.fromEntries(
    Object.entries(cluster.members).map(([name, { role = 'voter' }]) => [name, role] as const),
  );
  if (cluster.leaderIsIdle === true) return roles;
  const names = Object.keys(roles);
  const having = (role: Role): string[] => names.filter((name) => roles[name] === role);
  if (names.length < VOTE_FROM) {
    for (const name of having('voter').slice(1)) roles[name] = 'spare';
    return roles;
  }
  const promote = (to: Role, from: readonly Role[], wanted: number): void => {
    const heard = having(to).filter(isHeard).length;
    const candidates = from.flatMap(having).filter(isHeard);
    for (const name of candidates.slice(0, Math.max(0, wanted - heard))) roles[name] = to;
  };
  const demote = (role: Role, allowed: number): void => {
    const [heard, silent] = [having(role).filter(isHeard), having(role).filter((name) => !isHeard(name))];
    const over = heard.slice(allowed);
    for (const name of heard.length >= allowed ? [...over, ...silent] : []) roles[name] = 'spare';
  };
  promote('voter', ['standby', 'spare'], maxVoters(cluster));
  demote('voter', maxVoters(cluster));
  promote('standby', ['spare'], maxStandbys(cluster));
  demote('standby', maxStandbys(cluster));
  return roles;
}
