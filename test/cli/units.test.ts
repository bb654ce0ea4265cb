import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { clean } from '../../cli/render/clean.ts';
import { column, fit, wrap } from '../../cli/render/text.ts';
import { age, bytes, clock, took } from '../../cli/render/units.ts';

describe('units', () => {
  it.each([
    [0, '0.0 s'],
    [420, '0.4 s'],
    [58_000, '58 s'],
    [59_700, '1 min'],
    [130_000, '2 min 10 s'],
    [3_600_000, '1 h'],
    [11_100_000, '3 h 5 min'],
    [100_800_000, '1 day 4 h'],
    [187_200_000, '2 days 4 h'],
  ])('%i ms took %s', (ms, text) => {
    expect(took(ms)).toBe(text);
  });

  it.each([
    [41_000, '0:41'],
    [725_000, '12:05'],
    [3_725_000, '1:02:05'],
    [-5, '0:00'],
  ])('a clock shows %i ms as %s', (ms, text) => {
    expect(clock(ms)).toBe(text);
  });

  it.each([
    [8_999, '8 s'],
    [780_000, '13 min'],
    [14_400_000, '4 h'],
    [86_400_000, '1 day'],
    [172_800_000, '2 days'],
  ])('%i ms are an age of %s', (ms, text) => {
    expect(age(ms)).toBe(text);
  });

  it.each([
    [812, '812 B'],
    [999_999, '1.0 MB'],
    [1_200_000_000, '1.2 GB'],
    [84_000_000_000, '84.0 GB'],
    [123_000_000, '123 MB'],
  ])('%i bytes are %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });
});

describe('text from outside', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007after', 'after'],
    ['two\r\nlines\tand tab', 'two lines and tab'],
    ['\u009b2Jcleared', 'cleared'],
    ['a\u202eb\u2066c', 'abc'],
    ['\u0000\u0008\u007f', ''],
  ])('%j becomes %j', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it('never holds a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex -- looking for what must not be there
        expect(clean(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it('is fitted, filled and folded to a width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(clean), fc.integer({ min: 2, max: 60 }), (text, width) => {
        expect(stringWidth(fit(text, width))).toBeLessThanOrEqual(width);
        expect(stringWidth(column(text, width))).toBe(width);
        for (const line of wrap(text, width)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }),
      { examples: [['\u{1d158}\u{1d165}\u{1d16e}', 2]] },
    );
  });

  it('loses no word when it is folded', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
    expect(wrap('', 10)).toEqual(['']);
  });
});
