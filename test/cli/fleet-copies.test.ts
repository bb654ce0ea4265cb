import { describe, expect, it } from '@jest/globals';
import { copiesOfLook, copiesOfRuns, isLate, type CopiesTold } from '../../cli/fleet-copies.ts';
import type { CopyView } from '../../plan/run.ts';

const copy = (volume: string, rest: Partial<CopyView> = {}): CopyView => ({
  ...{ volume, place: 'nuc-1 tank/replicas', outcome: 'copied' },
  ...rest,
});
const night = (day: number, copies: CopyView[], subject = 'all'): CopiesTold => ({
  ...{ workflowId: `nightly-backup/${subject}`, runbook: 'nightly-backup', at: `2026-11-${day}T03:00:00.000Z`, copies },
});
const drill = (day: number, copies: CopyView[]): CopiesTold => ({
  ...{ workflowId: 'restore-drill/all', runbook: 'restore-drill', at: `2026-11-${day}T05:00:00.000Z`, copies },
});
const newestAt = (day: number): string => `2026-11-${day}T02:00:00Z`;

describe('copies as runs told of them', () => {
  it('have the newest that any run saw, and the newest proof', () => {
    const told = [
      night(21, [copy('edge-data', { newestAt: newestAt(21) })]),
      drill(20, [copy('edge-data', { outcome: 'proven' })]),
      drill(22, [copy('edge-data', { outcome: 'not provable' })]),
      night(22, [copy('edge-data', { newestAt: newestAt(22) })]),
    ];
    expect(copiesOfRuns(told)).toEqual([
      {
        ...{ of: 'edge-data', place: 'nuc-1 tank/replicas', newestAt: '2026-11-22T02:00:00.000Z' },
        proof: { type: 'proven', at: '2026-11-20T05:00:00.000Z' },
      },
    ]);
  });

  it('say that no proof is known rather than that there never was one', () => {
    const [found] = copiesOfRuns([night(21, [copy('edge-data')])]);
    expect(found).toEqual({ of: 'edge-data', place: 'nuc-1 tank/replicas', proof: { type: 'unseen' } });
  });

  it('keep the date of the last that was made where the newest attempt failed', () => {
    const problem = { type: 'Unreachable', message: 'nuc-1: no route', whatToDo: 'Power it on.' } as const;
    const [found] = copiesOfRuns([
      night(22, [copy('edge-data', { outcome: 'failed', problem })]),
      night(21, [copy('edge-data', { newestAt: newestAt(21) })]),
    ]);
    expect(found).toMatchObject({ newestAt: '2026-11-21T02:00:00.000Z', problem: 'nuc-1: no route' });
    expect(found && isLate(found)).toBe(true);
  });

  it('leave out what the newest run of everything does not make any more', () => {
    const told = [
      night(20, [copy('gone'), copy('edge-data')]),
      night(21, [copy('edge-data')]),
      night(22, [copy('added')], 'added'),
      // It failed before it looked at any.
      night(23, []),
    ];
    expect(copiesOfRuns(told).map(({ of }) => of)).toEqual(['added', 'edge-data']);
  });

  it('are none where no run told of any', () => {
    expect(copiesOfRuns([drill(22, [copy('edge-data', { outcome: 'proven' })])])).toEqual([]);
  });
});

describe('copies as a worker saw them', () => {
  it('carry the verdict, and why they are not fresh', () => {
    const seen = { of: 'edge-data', place: 'nuc-1', why: 'There is no copy.' };
    const at = '2026-11-22T02:00:00Z';
    expect(
      copiesOfLook({
        copies: [
          { ...seen, newest: { type: 'copy', at }, outcome: 'fresh', why: 'It is 1 h old.', proof: { type: 'never' } },
          { ...seen, newest: { type: 'none' }, outcome: 'never' },
          {
            ...{ ...seen, newest: { type: 'copy', at }, outcome: 'fresh', why: 'It is 1 h old.' },
            proof: { type: 'proven', at, ageMs: 9e9, isOld: true, snapshotAt: at, words: '' },
          },
        ],
        problems: [],
        upkeep: [],
      }),
    ).toEqual([
      { of: 'edge-data', place: 'nuc-1', outcome: 'fresh', newestAt: at, proof: { type: 'never' } },
      { of: 'edge-data', place: 'nuc-1', outcome: 'never', proof: { type: 'unknown' }, problem: 'There is no copy.' },
      { of: 'edge-data', place: 'nuc-1', outcome: 'fresh', newestAt: at, proof: { type: 'proven', at, isOld: true } },
    ]);
  });
});
