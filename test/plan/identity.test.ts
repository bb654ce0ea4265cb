import { describe, expect, it } from '@jest/globals';
import {
  copyName,
  doomedCopies,
  judgeCopies,
  partName,
  planIdentities,
  takenAtOf,
  type IdentityObservation,
  type IdentityScope,
} from '../../plan/identity.ts';

const RUN = 'runbook-20261127-0214-3f9c';
const NOW = '2026-11-27T12:00:00.000Z';
const ALL = ['n1', 'n2', 'n3'];
const scope = (change: Partial<IdentityScope> = {}): IdentityScope => ({
  members: ALL,
  places: ALL,
  restic: false,
  ...change,
});
const observed = (change: Record<string, object> = {}): IdentityObservation => ({
  members: ALL.map((name) => ({ name, copies: [], ...change[name] })),
});
const nameAt = (day: number): string => copyName(`2026-11-${String(day).padStart(2, '0')}T02:14:00.000Z`, RUN);

describe('whose identity is saved where', () => {
  it('sends each to all others, and to restic where that is declared', () => {
    expect(planIdentities(scope({ members: ['n2'] }), observed()).steps).toEqual([
      { member: 'n2', places: ['n1', 'n3'] },
    ]);
    const { steps, refusals } = planIdentities(scope({ restic: true }), observed());
    expect(refusals).toEqual([]);
    expect(steps[0]).toEqual({ member: 'n1', places: ['n2', 'n3', 'restic'] });
  });

  it('warns of one that cannot be read, and saves the others', () => {
    const plan = planIdentities(scope(), observed({ n1: { away: 'no route' }, n2: { problem: 'no age' } }));
    expect(plan.refusals).toEqual([]);
    expect(plan.failing).toEqual([
      { member: 'n1', problem: 'no route' },
      { member: 'n2', problem: 'no age' },
    ]);
    expect(plan.steps.map(({ member }) => member)).toEqual(['n3']);
  });

  it('refuses where none can be read, and where there is no other place', () => {
    expect(planIdentities(scope({ members: ['n1'] }), observed({ n1: { away: 'x' } })).refusals).toHaveLength(1);
    const alone = { members: ['n1'], places: ['n1'] };
    const one = { members: [{ name: 'n1', copies: [] }] };
    expect(planIdentities(scope(alone), one).refusals).toMatchObject([
      { name: 'places', message: 'n1 is the only member: there is no other place for a copy of its identity.' },
    ]);
    expect(planIdentities(scope({ ...alone, restic: true }), one).refusals).toEqual([]);
  });
});

describe('names of copies', () => {
  it('tell when they were taken, and are ours only in this form', () => {
    expect(takenAtOf(nameAt(27))).toBe('2026-11-27T02:14:00.000Z');
    for (const name of [
      partName(nameAt(27)),
      '20261127T021400Z-mine.tar.age',
      'notes.txt',
      `${nameAt(27)}.old`,
      '99999999T999999Z-runbook-20261127-0214-3f9c.tar.age',
    ])
      expect(takenAtOf(name)).toBeUndefined();
  });

  it('are removed beyond those to be kept, and never the one that was just written', () => {
    const names = [nameAt(24), nameAt(26), nameAt(25), 'notes.txt', '20200101T000000Z-mine.tar.age'];
    expect(doomedCopies(names, { keep: 2, written: nameAt(26), now: NOW })).toEqual([nameAt(24)]);
    // A clock that went wrong once.
    expect(doomedCopies(names, { keep: 1, written: nameAt(24), now: NOW })).toEqual([nameAt(25)]);
  });

  it('of half-written files are removed when no run can be at work on them', () => {
    const [old, young] = [partName(nameAt(26)), partName(copyName('2026-11-27T11:30:00.000Z', RUN))];
    const names = [old, `${old}.0f9c`, young, 'mine.part'];
    expect(doomedCopies(names, { keep: 1, written: nameAt(27), now: NOW })).toEqual([old, `${old}.0f9c`]);
  });
});

describe('the age of copies', () => {
  const copy = (place: string, takenAt: string) => ({ member: 'n1', place, path: '', takenAt });

  it('is that of the newest', () => {
    const copies = [copy('n2', '2026-11-20T12:00:00.000Z'), copy('n3', '2026-11-26T12:00:00.000Z')];
    expect(judgeCopies(copies, NOW)).toEqual({ fresh: true, found: 'the newest copy is 1 d old; copies on n2, n3' });
    expect(judgeCopies(copies.slice(0, 1), NOW)).toMatchObject({ fresh: false });
    expect(judgeCopies([], NOW)).toEqual({ fresh: false, found: 'no other place has a copy' });
  });
});
