import { describe, expect, it } from '@jest/globals';
import type { ListedMember, MemberFormation } from '../../plan/formation.ts';
import { halfWayOf } from '../../plan/half-way.ts';

const listed = (...names: string[]): ListedMember[] =>
  names.map((name) => ({ name, url: '', status: 'Online', message: '', roles: [] }));
const member = (name: string, rest: Partial<MemberFormation> = {}): MemberFormation => ({
  name,
  interrupted: false,
  instances: [],
  pools: [],
  networks: [],
  volumes: [],
  sources: [],
  unresolved: [],
  unreachable: [],
  ...rest,
});
const first = member('m1', { clustered: true, cluster: listed('m1', 'm2', 'm3') });

describe('what a run that ended early leaves in the middle', () => {
  it('is nothing where members are in the cluster or have not begun to join', () => {
    const members = [member('m1', { clustered: true, cluster: listed('m1') }), member('m2', { clustered: false })];
    expect(halfWayOf({ members })).toEqual([]);
  });

  it.each<[string, Partial<MemberFormation>, string]>([
    [
      'bears the mark of a join',
      { interrupted: true, clustered: false },
      'm3 is in the middle of its join; the cluster lists it: the next run waits for it, or takes it back',
    ],
    [
      'bears the mark and answers nobody',
      { interrupted: true, problem: 'x' },
      'm3 is in the middle of its join; the cluster lists it: the next run waits for it, or takes it back',
    ],
    [
      'is away',
      { problem: 'no route' },
      'm3 does not answer, and may be in the middle of its join; the cluster lists it',
    ],
    ['knows nothing of it', { clustered: false }, 'm3 is listed by the cluster, and is not part of it on its own side'],
  ])('is each member that %s', (_, rest, line) => {
    const members = [first, member('m2', { clustered: true }), member('m3', rest)];
    expect(halfWayOf({ members })).toEqual([line]);
  });
});
