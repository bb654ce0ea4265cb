import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesPattern } from '../../fleet/volume-pattern.ts';

describe('a pattern', () => {
  it.each<[string, string, boolean]>([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['?', '', false],
    ['a*c', 'abbc', true],
    ['a*c', 'abcb', false],
    ['*b*b*', 'abab', true],
    ['a.c', 'abc', false],
    ['?b?', 'abc', true],
  ])('%j and %j: %s', (pattern, name, fits) => {
    expect(matchesPattern(pattern, name)).toBe(fits);
  });

  it('fits what its definition says', () => {
    const letters = (of: string[]): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...of), { maxLength: 8 }).map((all) => all.join(''));
    const fits = (pattern: string, name: string): boolean => {
      if (pattern === '') return name === '';
      const [first, ...rest] = pattern;
      const then = rest.join('');
      if (first === '*') return fits(then, name) || (name !== '' && fits(pattern, name.slice(1)));
      return name !== '' && (first === '?' || first === name[0]) && fits(then, name.slice(1));
    };
    fc.assert(
      fc.property(letters(['*', '?', 'a', 'b']), letters(['a', 'b']), (pattern, name) => {
        expect(matchesPattern(pattern, name)).toBe(fits(pattern, name));
      }),
      { numRuns: 2000 },
    );
  });

  it('is judged at once, however many stars it has', () => {
    const start = process.cpuUsage();
    expect(matchesPattern(`${'*a'.repeat(30)}*b`, 'a'.repeat(63))).toBe(false);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(100);
  });
});
