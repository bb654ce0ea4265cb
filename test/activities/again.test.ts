import { describe, expect, it } from '@jest/globals';
import { again } from '../../activities/again.ts';
import { failure, toolFailure } from '../../activities/failure.ts';
import { HostError } from '../../hosts/host.ts';
import { unexpected } from '../../tools/result.ts';

const { signal } = new AbortController();
const silent = unexpected('cat', { argv: ['cat'], result: { exitCode: 0, stdout: '', stderr: '', truncated: false } });

/** Fails so often, then answers; tells how often it was asked. */
function failing(times: number, error: Error): { look: () => Promise<string>; asked: () => number } {
  let asked = 0;
  const look = (): Promise<string> => {
    asked += 1;
    return asked > times ? Promise.resolve('answer') : Promise.reject(error);
  };
  return { look, asked: () => asked };
}

describe('looking again', () => {
  it.each([
    ['a lost connection', new HostError('Unreachable', 'n1', 'no connection')],
    ['an answer that was lost', toolFailure('The boot of g1', silent)],
  ])(
    'helps against %s, and only twice',
    async (_, error) => {
      await expect(again(failing(1, error).look, signal)).resolves.toBe('answer');
      const always = failing(9, error);
      await expect(again(always.look, signal)).rejects.toBe(error);
      expect(always.asked()).toBe(3);
    },
    15_000,
  );

  it('is no use where the answer itself is wrong', async () => {
    const wrong = failing(9, failure('Unexpected', 'no'));
    await expect(again(wrong.look, signal)).rejects.toThrow('no');
    expect(wrong.asked()).toBe(1);
  });
});
