import { describe, expect, it } from '@jest/globals';
import type { Schedule } from '../../fleet/schema.ts';
import { handNote, troubleOf } from '../../plan/schedule-health.ts';
import { exactly, PAUSED_BY_FILE, planSchedules, textsOf, type AppliedSchedule } from '../../plan/schedules.ts';

const DAYS: Schedule['days'] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const schedule = (change: Partial<Schedule> = {}): Schedule => ({
  ...{ runbook: 'identity-backup', at: '04:15', days: DAYS, timeZone: 'UTC', jitter: '0s', catchUp: '12h' },
  ...{ overlap: 'skip', paused: false, ...change },
});
const applied = (change: Partial<AppliedSchedule> = {}): AppliedSchedule => ({
  ...{ name: 'nightly', texts: textsOf(schedule()), jitterMs: 0, paused: false, note: '', nextAt: [] },
  ...{ createdAt: '2026-11-01T00:00:00Z', missed: 0, skipped: 0, ...change },
});

describe('what makes Temporal’s schedules those of the fleet file', () => {
  it.each([
    [{}, [], []],
    [{ nightly: schedule() }, [], ['create']],
    [{ nightly: schedule() }, [applied()], ['same']],
    [{}, [applied()], ['delete']],
    [{ other: schedule() }, [applied()], ['create', 'delete']],
    [{ nightly: schedule({ at: '05:00' }) }, [applied()], ['update']],
  ])('of %j and %j is %j', (declared: Record<string, Schedule>, there: AppliedSchedule[], expected: string[]) => {
    expect(planSchedules(declared, there).changes.map(({ type }) => type)).toEqual(expected);
  });

  it('names each difference', () => {
    const changed = schedule({ node: 'nuc-1', days: ['monday'], jitter: '90s', catchUp: '48h' });
    expect(planSchedules({ nightly: changed }, [applied()]).changes).toEqual([
      {
        ...{ type: 'update', name: 'nightly' },
        differences: [
          { field: 'runs', from: 'identity-backup of all', to: 'identity-backup of nuc-1' },
          { field: 'when', from: '04:15 each day, UTC', to: '04:15 on monday, UTC' },
          { field: 'jitter', from: 'none', to: '90s' },
          { field: 'catch-up', from: '12h', to: '2d' },
        ],
      },
    ]);
  });

  const differences = (declared: Schedule, there: AppliedSchedule): unknown => {
    const [change] = planSchedules({ nightly: declared }, [there]).changes;
    return change?.type === 'update' ? change.differences.map(({ to }) => to) : change?.type;
  };
  it('pauses and resumes for the fleet file, and leaves alone what a person paused', () => {
    expect(differences(schedule({ paused: true }), applied())).toEqual(['yes']);
    expect(differences(schedule(), applied({ paused: true, note: PAUSED_BY_FILE }))).toEqual(['no']);
    const byHand = applied({ paused: true, note: 'paused 2026-11-01T00:00:00Z by ada@laptop' });
    expect(differences(schedule(), byHand)).toBe('same');
    expect(planSchedules({ nightly: schedule() }, [byHand]).staysPaused).toEqual([
      { name: 'nightly', note: byHand.note },
    ]);
    expect(differences(schedule({ paused: true }), byHand)).toBe('same');
  });

  it.each([
    [0, 'none'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [172_800_000, '2d'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(exactly(ms)).toBe(text);
  });
});

describe('what a person has to know of a schedule', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  const nights = (from: number, to: number): number[] =>
    [25, 26, 27].map((day) => Date.parse(`2026-11-${day}T04:15:00Z`)).filter((time) => time > from && time <= to);
  const problem = (there: AppliedSchedule, end?: Parameters<typeof troubleOf>[1], at = now): string | undefined =>
    troubleOf(there, end, at, nights, (time) => new Date(time).toISOString().slice(0, 10))?.problem;
  const last = (dueAt: string) => ({ workflowId: 'w', runId: 'r', dueAt });

  it('is what Temporal missed since the last run, once it says that it missed any', () => {
    expect(problem(applied({ missed: 1 }))).toMatch(/^did not run at 2026-11-25, 2026-11-26, 2026-11-27: /);
    expect(problem(applied({ missed: 1, last: last('2026-11-26T04:15:00Z') }))).toMatch(/^did not run at 2026-11-27: /);
    expect(problem(applied({ missed: 1, last: last('2026-11-27T04:15:00Z') }))).toBeUndefined();
    expect(problem(applied({ missed: 0 }))).toBeUndefined();
  });

  it('is nothing while it may still begin, is paused, or was changed or resumed since', () => {
    const there = applied({ missed: 1, last: last('2026-11-26T04:15:00Z') });
    expect(problem(there, undefined, Date.parse('2026-11-27T04:19:00Z'))).toBeUndefined();
    expect(problem({ ...there, jitterMs: 8 * 3_600_000 })).toBeUndefined();
    expect(problem({ ...there, paused: true })).toBeUndefined();
    expect(problem({ ...there, updatedAt: '2026-11-27T05:00:00Z' })).toBeUndefined();
    const note = handNote('resumed', Date.parse('2026-11-27T05:00:00Z'), 'ada@laptop', 'done');
    expect(problem({ ...there, note })).toBeUndefined();
  });

  it('is that the last one began nothing, and not that another run was open', () => {
    const there = applied({ last: last('2026-11-27T04:15:00Z') });
    expect(problem(there, { type: 'failed', reason: 'no clone' })).toBe('did not run at 2026-11-27: no clone');
    expect(problem(there, { type: 'missed', reason: 'too late' })).toBe('did not run at 2026-11-27: too late');
    expect(problem(there, { type: 'skipped', workflowId: 'w', reason: 'open' })).toBeUndefined();
    expect(problem(there, { type: 'open' })).toBeUndefined();
  });
});
