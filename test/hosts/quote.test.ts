import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { displayArgv, quoteArgv } from '../../hosts/quote.ts';
import { HOSTILE, words } from './hostile.ts';

function readBackByShell(command: string): string[] {
  return execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

describe('quoteArgv', () => {
  it('gives a real shell every hostile name as it is', () => {
    expect(readBackByShell(quoteArgv(HOSTILE))).toEqual(HOSTILE);
  });

  it('gives a real shell any words as they are', () => {
    fc.assert(
      fc.property(words, (argv) => {
        expect(readBackByShell(quoteArgv(argv))).toEqual(argv);
      }),
    );
  });

  it('refuses a NUL before anything runs', () => {
    expect(() => quoteArgv(['a', 'b\0c'])).toThrow(
      'Expected an argument without NUL, got one at character 1 of "b\\u0000c".',
    );
  });

  it('refuses an empty command', () => {
    expect(() => quoteArgv([])).toThrow('Expected a command of at least one word');
  });
});

describe('displayArgv', () => {
  it('quotes only what needs it', () => {
    expect(displayArgv(['zfs', 'list', '-H', 'tank/a b', "it's"])).toBe(`zfs list -H 'tank/a b' 'it'\\''s'`);
  });

  it('shows control characters instead of sending them to a terminal', () => {
    expect(displayArgv(['echo', '\u001b[2J\n'])).toBe(`echo '\\u001b[2J\\n'`);
  });

  it('masks the value of a secret option', () => {
    expect(displayArgv(['incus', 'remote', 'add', '--token', 'abc', 'x'])).toBe(
      `incus remote add --token '[redacted]' x`,
    );
  });

  it('is never longer than asked for', () => {
    expect(displayArgv(['echo', 'x'.repeat(4096)], 100)).toHaveLength(100);
  });
});
