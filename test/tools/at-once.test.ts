import { expect, it } from '@jest/globals';
import { atOnce } from '../../tools/at-once.ts';

it('answers in the order of the looks', async () => {
  const slow = new Promise<string>((resolve) => setImmediate(resolve, 'slow'));
  expect(await atOnce(slow, Promise.resolve(2))).toEqual(['slow', 2]);
});

it('throws the first failure in the order of the looks, when none is at work any more', async () => {
  let over = false;
  const late = new Promise<void>((_, reject) => {
    setImmediate(() => {
      over = true;
      reject(new Error('late'));
    });
  });
  await expect(atOnce(late, Promise.reject(new Error('early')))).rejects.toThrow('late');
  expect(over).toBe(true);
});
