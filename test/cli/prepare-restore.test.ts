import { describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import { testIo } from './io.ts';

const start = async (...words: string[]): Promise<{ code: number; err: string }> => {
  const io = testIo({});
  const code = await main(['plan', 'restore', ...words], io);
  return { code, err: io.err().replaceAll(/\s+/g, ' ') };
};

describe('what restore is asked for', () => {
  it.each<[string[], string]>([
    [[], 'Expected --volume NAME, or --from restic with --backup NAME, got neither.'],
    [['--volume', 'a', '--at', 'yesterday'], 'Expected latest, a day like 2026-11-20 or a time like'],
    [['--volume', 'a/b'], 'after --volume, got "a/b"'],
    [['--volume', 'a', '--to', '-x'], 'after --to, got "-x"'],
    [['--volume', 'a', '--path', '/srv'], '--path is for files from restic'],
    [['--volume', 'a', '--in-place', '--member', 'b'], 'without --in-place: --member b --to a'],
    [['--volume', 'a', '--in-place', '--to', 'a'], 'With --in-place, --to is what the copy arrives under'],
    [['--from', 'restic', '--backup', 'a', '--in-place'], 'leave --in-place out'],
    [['--from', 'restic'], 'Expected --backup NAME with --from restic'],
    [['--from', 'restic', '--backup', 'a', '--volume', 'b'], 'leave --volume, --project and --member out'],
    [['--from', 'restic', '--backup', 'a', '--path', 'srv'], 'Expected an absolute path of the guest after --path'],
    [['--from', 'restic', '--backup', 'a', '--to', '/srv/../etc'], 'Expected an absolute path of the guest after --to'],
  ])('%j is refused before anything is looked at', async (words, message) => {
    const { code, err } = await start(...words);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
