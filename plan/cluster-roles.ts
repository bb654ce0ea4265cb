import { count } from './count.ts';
import type { ListedMember } from './formation.ts';

/** How many members may vote and stand by: `cluster.max_voters`, `cluster.max_standby`. */
export interface RoleLimits {
  voters: number;
  standbys: number;
}

/** Incus's own. */
const DEFAULTS: RoleLimits = { voters: 3, standbys: 2 };

/** As the cluster has them configured. */
export function roleLimits(config: Readonly<Record<string, string>>): RoleLimits {
  return {
    voters: Number(config['cluster.max_voters'] ?? DEFAULTS.voters),
    standbys: Number(config['cluster.max_standby'] ?? DEFAULTS.standbys),
  };
}

/** Fewer members have one that votes: two could not outvote each other. */
const VOTE_FROM = 3;

const LEADER = 'database-leader';
const VOTER = 'database';
const STANDBY = 'database-standby';

interface Expected {
  voters: number;
  standbys: number;
  /** Of two members the other one stands by, or does nothing where there were more and it voted. */
  mayStandByLess: boolean;
}

function expectedRoles(members: number, limits: RoleLimits): Expected {
  const voters = members < VOTE_FROM ? Math.min(members, 1) : Math.min(members, limits.voters);
  return {
    voters,
    standbys: Math.min(members - voters, limits.standbys),
    mayStandByLess: members < VOTE_FROM,
  };
}

/**
 * What the roles of the database are not, in one sentence; undefined where they are as Incus hands them out: the leader does that with its
 * heartbeats, some time after a member has joined (membership.go of Incus 6.0.4, app/roles.go of go-cowsql 1.22). Pure.
 */
export function roleProblem(members: readonly ListedMember[], limits: RoleLimits = DEFAULTS): string | undefined {
  const having = (role: string): ListedMember[] => members.filter(({ roles }) => roles.includes(role));
  const expected = expectedRoles(members.length, limits);
  const [leader, ...more] = having(LEADER);
  const standbys = having(STANDBY).length;
  if (
    leader?.roles.includes(VOTER) === true &&
    more.length === 0 &&
    having(VOTER).length === expected.voters &&
    (standbys === expected.standbys || (expected.mayStandByLess && standbys < expected.standbys))
  )
    return undefined;
  const wanted = [
    `${expected.voters} with ${VOTER}, one of them ${LEADER}`,
    ...(expected.standbys === 0 ? [] : [`${expected.standbys} with ${STANDBY}`]),
  ].join(', ');
  const found = members.map(({ name, roles }) => `${name} ${roles.join(' and ') || 'none'}`).join(', ');
  return `expected of ${count(members.length, 'member')}: ${wanted}; found: ${found}`;
}
