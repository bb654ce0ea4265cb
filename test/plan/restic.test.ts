import { describe, expect, it } from '@jest/globals';
import {
  judgeRestic,
  mayForget,
  planRestic,
  type ResticChecked,
  type ResticRepositoryScope,
  type ResticRepositorySeen,
} from '../../plan/restic.ts';

const NOW = '2026-11-28T02:14:00.000Z';
const ago = (hours: number): string => new Date(Date.parse(NOW) - hours * 3_600_000).toISOString();

const PLACE = { node: 'g1', repository: 'rest:http://backup.lan/g1', passwordFile: '/run/secrets/restic' };
const SCOPE: ResticRepositoryScope = {
  ...{ id: 'r1', repository: PLACE.repository, maintenance: PLACE },
  ...{ pruneEvery: '7d', checkEvery: '1d', checkSubsets: 3, maxAge: '26h' },
  sources: [
    {
      ...{ id: 's1', title: '/srv/data of g1', guest: 'g1', place: PLACE, tags: ['runbook'], keep: { daily: 7 } },
      ...{ reads: { type: 'paths', paths: ['/srv/data'] }, backupEvery: '1d', forgetEvery: '1d', maxAge: '26h' },
    },
  ],
};
const FRESH: ResticRepositorySeen = {
  id: 'r1',
  sources: [{ id: 's1', completeAt: ago(1) }],
  maintenance: { forgets: { s1: ago(1) }, prune: ago(1), check: { at: ago(1), subset: 1, of: 3 } },
};

const plan = (seen: Partial<ResticRepositorySeen>, scope: Partial<ResticRepositoryScope> = {}) => {
  const [found] = planRestic(
    { repositories: [{ ...SCOPE, ...scope }] },
    { repositories: [{ ...FRESH, ...seen }] },
    NOW,
  );
  if (found === undefined) throw new Error('no plan');
  return { ...found, types: found.steps.map(({ type }) => type) };
};
const maintained = (maintenance: Partial<ResticRepositorySeen['maintenance']>) =>
  plan({ maintenance: { ...FRESH.maintenance, ...maintenance } });
const checked = (check: Partial<ResticChecked>) => maintained({ check: { at: ago(30), subset: 1, of: 3, ...check } });

describe('what is due of a repository', () => {
  it('is nothing where all of it was done of late', () => {
    expect(plan({}).steps).toEqual([]);
    expect(plan({}).lock).toBe('restic-r1');
  });

  it('is each kind of work by its own age', () => {
    expect(plan({ sources: [{ id: 's1', completeAt: ago(24) }] }).types).toEqual(['backup']);
    expect(maintained({ forgets: { s1: ago(24) } }).types).toEqual(['forget']);
    expect(maintained({ prune: ago(24) }).types).toEqual([]);
    expect(maintained({ prune: ago(24 * 7) }).types).toEqual(['prune']);
    expect(checked({}).types).toEqual(['check']);
  });

  it('is all of it, in order, where nothing was ever done', () => {
    const never = plan({ sources: [{ id: 's1' }], maintenance: { forgets: {} } });
    expect(never.types).toEqual(['backup', 'forget', 'prune', 'check']);
    expect(never.steps[0]?.why).toBe('It has no complete backup.');
  });

  it('is a night’s work also where this night begins a little earlier than the last', () => {
    expect(plan({ sources: [{ id: 's1', completeAt: ago(22) }] }).types).toEqual(['backup']);
    expect(plan({ sources: [{ id: 's1', completeAt: ago(21) }] }).types).toEqual([]);
  });

  it('is work that is dated in the time to come', () => {
    expect(plan({ sources: [{ id: 's1', completeAt: ago(-3) }] }).types).toEqual(['backup']);
  });

  it('is no forgetting where the fleet file does not say what to keep', () => {
    const sources = SCOPE.sources.map((source) => ({ ...source, keep: undefined }) as never);
    expect(plan({ maintenance: { forgets: {} } }, { sources }).types).toEqual(['prune', 'check']);
  });

  it('is held back, and said, where the machine cannot do it', () => {
    const away = plan({ sources: [{ id: 's1', problem: 'g1 is away' }] });
    expect(away).toMatchObject({ steps: [], held: [{ type: 'backup', source: 's1', why: 'g1 is away' }] });
    expect(maintained({ prune: ago(200), problem: 'no restic' }).held).toEqual([{ type: 'prune', why: 'no restic' }]);
  });
});

describe('the part of the data that a check reads', () => {
  it('is the next one, and the first after the last', () => {
    expect(checked({ subset: 1 }).steps).toMatchObject([{ subset: 2, of: 3 }]);
    expect(checked({ subset: 3 }).steps).toMatchObject([{ subset: 1, of: 3 }]);
    expect(checked({ subset: 7, of: 9 }).steps).toMatchObject([{ subset: 1, of: 3 }]);
  });

  it('covers all of it in as many checks', () => {
    const read = new Set<number>();
    let check: ResticChecked = { at: ago(30), subset: 2, of: 3 };
    for (let i = 0; i < 3; i += 1) {
      const [step] = checked(check).steps;
      if (step?.type !== 'check') throw new Error('no check');
      read.add(step.subset);
      check = { at: ago(30), subset: step.subset, of: step.of };
    }
    expect(read.size).toBe(3);
  });

  it('is the broken one again, at once, and nothing is deleted meanwhile', () => {
    const broken = plan({
      maintenance: { forgets: {}, check: { at: ago(1), subset: 2, of: 3, damage: 'pack d7d9 is broken' } },
    });
    expect(broken.steps).toMatchObject([{ type: 'check', subset: 2, of: 3 }]);
    expect(broken.held.map(({ type }) => type)).toEqual(['forget', 'prune']);
    expect(broken.held[0]?.why).toContain('pack d7d9 is broken');
  });
});

describe('snapshots are forgotten', () => {
  it('only where the newest is complete', () => {
    expect(mayForget(undefined)).toBe(true);
    expect(mayForget({ type: 'complete', snapshot: 'x', files: 1, bytes: 1, added: 1 })).toBe(true);
    expect(mayForget({ type: 'incomplete', message: '' })).toBe(false);
    expect(mayForget({ type: 'locked', message: '' })).toBe(false);
  });
});

describe('how good a repository is', () => {
  const stale = (maintenance: Partial<ResticRepositorySeen['maintenance']>, completeAt = ago(1)) =>
    judgeRestic(
      SCOPE,
      { ...FRESH, sources: [{ id: 's1', completeAt }], maintenance: { ...FRESH.maintenance, ...maintenance } },
      NOW,
    )
      .filter(({ verdict }) => verdict === 'stale')
      .map(({ what }) => what);

  it('is told of each kind of work, however fresh the others are', () => {
    expect(stale({})).toEqual([]);
    expect(stale({}, ago(27))).toEqual(['backup']);
    expect(stale({ forgets: {} })).toEqual(['forget']);
    expect(stale({ prune: ago(24 * 8) })).toEqual([]);
    expect(stale({ prune: ago(24 * 9) })).toEqual(['prune']);
    expect(stale({ check: { at: ago(51), subset: 1, of: 3 } })).toEqual(['check']);
    expect(stale({ check: { at: ago(1), subset: 1, of: 3, damage: 'broken' } })).toEqual(['check']);
    expect(stale({ prune: ago(-1) })).toEqual(['prune']);
  });
});
