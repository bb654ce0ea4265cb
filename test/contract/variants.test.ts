import { describe, expect, it } from '@jest/globals';
import { variantsOf } from './variants.ts';

describe('the variants of a pattern', () => {
  it.each([
    ['plain', ['plain']],
    ['a|b', ['a', 'b']],
    ['a(?:b|c)|d', ['a(?:b)', 'a(?:c)', 'd']],
    ['^(?:a|b)(c|d)$', ['^(?:a)(c|d)$', '^(?:b)(c|d)$', '^(?:a|b)(c)$', '^(?:a|b)(d)$']],
    ['(?:(?:a|b)c)?', ['(?:(?:a)c)?', '(?:(?:b)c)?']],
    ['[a|b]', ['[a|b]']],
  ])('of %s have one alternative each', (source, variants) => {
    expect(variantsOf(source, '')).toEqual(variants);
  });
});
