import { describe, expect, it } from '@jest/globals';
import { isCommand, type Command } from '../../lab/record/entry.ts';
import { createGuestKey } from '../../tools/guest-key.ts';
import { createSops } from '../../tools/sops.ts';
import { transcript } from '../contract/transcripts.ts';
import { fakeHost } from './fake-host.ts';

const recorded = (note: string): Command => {
  const found = transcript('sops')
    .filter(isCommand)
    .find((entry) => entry.note === note);
  if (found === undefined) throw new Error(`No scenario has ${note}.`);
  return found;
};
const said = (note: string) => fakeHost(() => recorded(note));
const sops = (note: string) => createSops(said(note), { keyFile: '/key', home: '/none' });
const key = (note: string) => createGuestKey(said(note), '/var/lib/sops-nix/key.txt', 'run');

describe('SOPS', () => {
  it.each([
    ['decrypted into nothing', 'decryptable'],
    ['a key of nobody it is for', 'no key'],
    ['no key file', 'no key'],
    ['nothing encrypted in it', 'not encrypted'],
    ['it was changed by hand', 'damaged'],
    ['no such file', 'unexpected'],
  ])('%s: %s, as the real one says it', async (note, type) => {
    expect(await sops(note).tryDecrypt('/f')).toMatchObject({ type });
  });

  it.each([
    ['other recipients', 'updated'],
    ['the same recipients', 'updated'],
    ['other recipients by nobody', 'no key'],
    ['no rule is for it', 'no rule'],
  ])('%s: %s', async (note, type) => {
    expect(await sops(note).updateKeys('/c', '/f')).toMatchObject({ type });
  });

  it.each([
    ['another data key', 'rotated'],
    ['another data key by nobody', 'no key'],
    ['another data key for what was changed', 'damaged'],
  ])('%s: %s', async (note, type) => {
    expect(await sops(note).rotate('/f')).toMatchObject({ type });
  });

  it('tells nothing of what was decrypted where it fails', async () => {
    const half = fakeHost(() => ({ exitCode: 3, stdout: 'hunter2', stderr: 'something else' }));
    const answer = await createSops(half, { keyFile: '/key', home: '/none' }).tryDecrypt('/f');
    expect(answer).toMatchObject({ type: 'unexpected' });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });
});

describe('the key of a guest', () => {
  it.each([
    ['whose it is', { type: 'keys', recipients: ['age1…'] }],
    ['whose they are', { type: 'keys', recipients: ['age1…', 'age1…'] }],
    ['no key there', { type: 'no key file' }],
    ['no key in it', { type: 'no key file' }],
    ['no age in it', { type: 'no age' }],
  ])('%s, as the real one says it', async (note, answer) => {
    expect(await key(note).recipients()).toMatchObject(answer);
  });

  it('is made, kept and given back by what ran for real', async () => {
    const asked: string[] = [];
    const host = fakeHost((argv) => {
      asked.push(argv[2] ?? '');
      return recorded('a second key');
    });
    const own = createGuestKey(host, '/var/lib/sops-nix/key.txt', 'run');
    expect(await own.make()).toEqual({ type: 'keys', recipients: ['age1…'] });
    await own.keepNew();
    await own.keepOld();
    expect(asked).toEqual(
      ['a second key', 'the new key alone', 'the key as it was'].map((note) => recorded(note).argv[2]),
    );
    expect(await key('no file to put a key beside').make()).toMatchObject({ type: 'no key file' });
  });

  it.each([
    ['a data key', 'unwrapped'],
    ['a data key of another', 'wrong key'],
    ['a data key without a key', 'no key file'],
    ['a data key that is damaged', 'unexpected'],
  ])('%s: %s', async (note, type) => {
    expect(await key(note).unwraps('', 'old')).toMatchObject({ type });
  });
});
