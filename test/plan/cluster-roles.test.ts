import { describe, expect, it } from '@jest/globals';
import { roleLimits, roleProblem } from '../../plan/cluster-roles.ts';
import type { ListedMember } from '../../plan/formation.ts';

const ROLES: Readonly<Record<string, string[]>> = {
  L: ['database-leader', 'database'],
  V: ['database'],
  S: ['database-standby'],
  '-': [],
  /** Leads and does not vote. */
  l: ['database-leader'],
  /** Has a role that is none of the database. */
  H: ['event-hub', 'database'],
};

/** `L V V`: members m1, m2, m3. */
const members = (letters: string): ListedMember[] =>
  letters.split(' ').map((letter, at) => ({
    name: `m${at + 1}`,
    url: '',
    status: 'Online',
    message: '',
    roles: ROLES[letter] ?? [],
  }));

describe('the roles of the database', () => {
  it.each(['L', 'L S', 'L -', 'L V V', 'V L V', 'L H V', 'L V V S', 'L V S V S', 'L V V S S -'])(
    'are as Incus hands them out: %s',
    (letters) => {
      expect(roleProblem(members(letters))).toBeUndefined();
    },
  );

  it.each([
    ['nobody leads', 'V'],
    ['nobody leads', 'V V V'],
    ['two lead', 'L L V'],
    ['the leader has no vote', 'l V V V'],
    ['a second of two votes', 'L V'],
    ['a third is only standing by', 'L V S'],
    ['a third has none yet', 'L V -'],
    ['too many of five vote', 'L V V V V'],
    ['too few of five stand by', 'L V V S -'],
    ['too few of four vote', 'L V S S'],
  ])('are not, where %s: %s', (_, letters) => {
    expect(roleProblem(members(letters))).toMatch(/^expected of \d members?: .* with database, .*; found: m1 /);
  });

  it('are as many as the cluster is configured to have', () => {
    const limits = roleLimits({ 'cluster.max_voters': '5', 'cluster.max_standby': '0' });
    expect(roleProblem(members('L V V V V'), limits)).toBeUndefined();
    expect(roleProblem(members('L V V V V -'), limits)).toBeUndefined();
    expect(roleProblem(members('L -'), limits)).toBeUndefined();
    expect(roleProblem(members('L S'), limits)).toBeDefined();
    expect(roleProblem(members('L V V S S'), limits)).toBeDefined();
    expect(roleProblem(members('L V V V'), limits)).toBeUndefined();
  });

  it('are told with what was expected and what was found', () => {
    expect(roleProblem(members('L V S'))).toBe(
      'expected of 3 members: 3 with database, one of them database-leader; found: m1 database-leader and database, m2 database, m3 database-standby',
    );
  });
});
