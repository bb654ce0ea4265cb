import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MarkerFilter } from '../../hosts/marker-filter.ts';

const NONCE = 'aab1aab2';

function filtered(chunks: readonly Buffer[]): { own: string; marks: string[] } {
  const marks: string[] = [];
  const filter = new MarkerFilter(NONCE, (mark) => marks.push(mark));
  const own = Buffer.concat([...chunks.map((chunk) => filter.push(chunk)), filter.end()]);
  return { own: own.toString(), marks };
}

describe('MarkerFilter', () => {
  it('takes out marks, also behind an unfinished line', () => {
    expect(filtered([Buffer.from(`${NONCE} begin\nhello${NONCE} exit 3\nbye`)])).toEqual({
      own: 'hellobye',
      marks: ['begin', 'exit 3'],
    });
  });

  it('says the same however the stream is cut', () => {
    const piece = fc.oneof(fc.constantFrom('a', 'aab1', 'aab1aab', '\n', 'x\n'), fc.string({ maxLength: 5 }));
    const text = fc.array(piece).map((pieces) => pieces.join('').replaceAll(NONCE, ''));
    fc.assert(
      fc.property(text, text, fc.array(fc.nat(200), { maxLength: 8 }), (before, after, cuts) => {
        const bytes = Buffer.from(`${before}${NONCE} exit 0\n${after}`);
        const ends = [...cuts, bytes.length].map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b);
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(filtered(chunks)).toEqual({ own: `${before}${after}`, marks: ['exit 0'] });
      }),
    );
  });

  it('gives up what only looked like a mark at the end', () => {
    expect(filtered([Buffer.from('text aab1aa')])).toEqual({ own: 'text aab1aa', marks: [] });
  });
});
