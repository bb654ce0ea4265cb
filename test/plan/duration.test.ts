import { describe, expect, it } from '@jest/globals';

import { ageOf, durationMs, formatAge } from '../../plan/duration.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['0s', 0],
    ['26h', 93_600_000],
    ['7d', 604_800_000],
    ['5m', 300_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(durationMs(text)).toBe(milliseconds);
  });

  it.each(['', '5', '5 m', '-1s', '1.5h', '5M', '5m\n'])('%j is none', (text) => {
    expect(() => durationMs(text)).toThrow(/^Expected a duration like 26h, got/);
  });

  it.each([
    [-1, '0 s'],
    [400, '0 s'],
    [59_400, '59 s'],
    [130_000, '2 min 10 s'],
    [3_600_000, '1 h'],
    [93_600_000, '1 d 2 h'],
    [604_800_000, '7 d'],
  ])('%d ms is shown as %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });

  it('an age is negative where the time lies ahead', () => {
    expect(ageOf('2026-01-02T03:04:05Z', '2026-01-02T03:04:04Z')).toBe(-1000);
  });
});
