import { describe, expect, it } from '@jest/globals';
import { endOfMoment } from '../../plan/moment.ts';

describe('the end of a moment', () => {
  it.each([
    ['2026-11-20', '2026-11-20T23:59:59.999Z'],
    ['2026-11-20T02:30', '2026-11-20T02:30:59.999Z'],
    ['2026-11-20 02:30', '2026-11-20T02:30:59.999Z'],
    ['2026-11-20T02:30:07', '2026-11-20T02:30:07.999Z'],
    ['2026-11-20T02:30+01:00', '2026-11-20T01:30:59.999Z'],
    ['2026-11-20T02:30:07.125Z', '2026-11-20T02:30:07.125Z'],
    ['2028-02-29', '2028-02-29T23:59:59.999Z'],
  ])('%s is %s', (text, end) => {
    expect(endOfMoment(text)).toBe(end);
    expect(endOfMoment(end)).toBe(end);
  });

  it.each(['', 'latest', 'yesterday', '2026-02-30', '2026-13-01', '2026-11-20T25:00', '20.11.2026', '2026-11-20T02'])(
    'there is none of %j',
    (text) => {
      expect(endOfMoment(text)).toBeUndefined();
    },
  );
});
