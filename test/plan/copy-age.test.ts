import { describe, expect, it } from '@jest/globals';
import { describeCopy, judgeCopy, worstOf, type CopyOutcome, type CopySeen } from '../../plan/copy-age.ts';
import { problemOf } from '../../plan/problem.ts';

const NOW = '2026-11-28T06:00:00Z';
const LIMIT = { now: NOW, maxAgeMs: 26 * 3_600_000 };

const seen = (overrides: Partial<CopySeen> = {}): CopySeen => ({
  ...{ of: 'edge-data', place: 'nuc-2 tank/replicas' },
  newest: { type: 'copy', at: '2026-11-28T02:14:00Z' },
  ...overrides,
});
const at = (time: string): Pick<CopySeen, 'newest'> => ({ newest: { type: 'copy', at: time } });
const diverged = problemOf('Diverged', 'tank/replicas/edge-data has @x');

describe('a copy', () => {
  it.each<[string, Partial<CopySeen>, CopyOutcome, number | undefined, string]>([
    ['of this night', {}, 'fresh', 13_560_000, 'It is 3 h 46 min old.'],
    ['just as old as it may be', at('2026-11-27T04:00:00Z'), 'fresh', LIMIT.maxAgeMs, 'It is 1 d 2 h old.'],
    [
      'older than it may be',
      at('2026-11-27T03:59:59Z'),
      ...(['stale', LIMIT.maxAgeMs + 1000, 'At most 1 d 2 h is allowed. It is 1 d 2 h old.'] as const),
    ],
    ['of a clock that is a little ahead', at('2026-11-28T06:04:00Z'), 'fresh', 0, 'It is 0 s old.'],
    [
      'of a clock that is far ahead',
      at('2026-11-29T06:00:00Z'),
      ...(['stale', undefined, 'It is dated 2026-11-29T06:00:00Z, so its age is not known.'] as const),
    ],
    ['of no date', at('unknown'), ...(['stale', undefined, 'It is dated unknown, so its age is not known.'] as const)],
    [
      'in part, however new',
      { missing: '2 of 3 snapshots' },
      ...(['incomplete', 13_560_000, 'Missing: 2 of 3 snapshots. It is 3 h 46 min old.'] as const),
    ],
    [
      'that takes no newer one, however new',
      { problem: diverged, missing: '2 of 3 snapshots' },
      ...(['failed', 13_560_000, 'tank/replicas/edge-data has @x. It is 3 h 46 min old.'] as const),
    ],
    [
      'at a place that does not answer',
      { newest: { type: 'unseen' }, problem: problemOf('Unreachable', 'nuc-2 does not answer') },
      ...(['failed', undefined, 'nuc-2 does not answer.'] as const),
    ],
    ['nobody has looked at', { newest: { type: 'unseen' } }, 'failed', undefined, 'It could not be looked at.'],
    ['that is not there', { newest: { type: 'none' } }, 'never', undefined, 'There is no copy.'],
    [
      'that could never be made',
      { newest: { type: 'none' }, problem: problemOf('KeyNotLoaded', 'The key is not loaded') },
      ...(['never', undefined, 'The key is not loaded.'] as const),
    ],
  ])('%s', (_, overrides, outcome, ageMs, why) => {
    const judged = judgeCopy(seen(overrides), LIMIT);
    expect([judged.outcome, judged.ageMs, judged.why]).toEqual([outcome, ageMs, why]);
    expect(describeCopy(judged)).toBe(`edge-data at nuc-2 tank/replicas: ${outcome}. ${why}`);
  });
});

it.each<[CopyOutcome[], CopyOutcome]>([
  [[], 'never'],
  [['fresh', 'fresh'], 'fresh'],
  [['fresh', 'stale', 'fresh'], 'stale'],
  [['stale', 'incomplete'], 'incomplete'],
  [['incomplete', 'failed', 'fresh'], 'failed'],
  [['failed', 'never'], 'never'],
])('all of %j are %s', (outcomes, worst) => {
  expect(worstOf(outcomes.map((outcome) => ({ outcome })))).toBe(worst);
});
