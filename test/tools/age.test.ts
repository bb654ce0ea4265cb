import { describe, expect, it } from '@jest/globals';
import { isCommand, type Command } from '../../lab/record/entry.ts';
import { decrypt, recipientsIn } from '../../tools/age.ts';
import { archiveIdentity } from '../../tools/identity-archive.ts';
import { createIdentityStore } from '../../tools/identity-store.ts';
import { readTar } from '../../tools/tar.ts';
import { transcript } from '../contract/transcripts.ts';
import { fakeHost } from './fake-host.ts';

const recorded = (note: string): Command => {
  const found = transcript('identity')
    .filter(isCommand)
    .find((entry) => entry.note === note);
  if (found === undefined) throw new Error(`No scenario has ${note}.`);
  return found;
};
const said = (note: string) => fakeHost(() => recorded(note));
const SECRET = 'AGE-SECRET-KEY-OR-WORSE';

describe('decrypting', () => {
  it.each([
    ['a key of nobody it was made for', 'wrong key'],
    ['no such key', 'no key file'],
    ['its header is cut off', 'damaged'],
    ['it is cut off', 'damaged'],
    ['its header was altered', 'damaged'],
    ['no file of age', 'damaged'],
    ['without age', 'no age'],
  ])('%s: %s, as the real one says it', async (note, type) => {
    expect(await decrypt(said(note), Buffer.from(''), '/key')).toMatchObject({ type });
  });

  it('gives the bytes that were encrypted', async () => {
    const answer = await decrypt(said('decrypted'), Buffer.from(''), '/key');
    expect(answer).toEqual({ type: 'plain', bytes: Buffer.from('text\n') });
  });

  it('tells nothing of what was decrypted where it fails', async () => {
    const half = fakeHost(() => ({ exitCode: 3, stdout: SECRET, stderr: 'something else' }));
    const answer = await decrypt(half, Buffer.from(''), '/key');
    expect(answer).toMatchObject({ type: 'unexpected', output: 'something else' });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  });

  it('is not done where the answer was too long to keep', async () => {
    const cut = fakeHost(() => ({ stdout: 'dGV4dAo=', truncated: true }));
    expect(await decrypt(cut, Buffer.from(''), '/key')).toMatchObject({ type: 'unexpected' });
  });
});

describe('the header of an encrypted file', () => {
  it('says for how many it is', () => {
    expect(recipientsIn(Buffer.from(recorded('encrypted').stdout))).toBe(1);
    expect(recipientsIn(Buffer.from(recorded('encrypted to two').stdout))).toBe(2);
    expect(recipientsIn(Buffer.from('age-encryption.org/v1\n-> X25519 x\n'))).toBeUndefined();
    expect(recipientsIn(Buffer.from('text'))).toBeUndefined();
  });
});

describe('an archive made on a host', () => {
  const input = { run: 'runbook-20261127-0214-3f9c', manifest: {}, recipients: ['age1x'] };
  it.each([
    ['archived', 'archived'],
    ['archived without a file', 'incomplete'],
    ['archived to nobody', 'bad recipient'],
    ['without age', 'no age'],
    ['a database that is written', 'changing'],
  ])('%s: %s', async (note, type) => {
    expect(await archiveIdentity(said(note), input)).toMatchObject({ type });
  });
});

describe('what a host keeps of others', () => {
  it('is nothing where the folder is not there', async () => {
    expect(await createIdentityStore(said('nothing is kept')).list()).toEqual({ type: 'files', files: [] });
    expect(await createIdentityStore(said('nothing of one member')).names('n1')).toEqual({ type: 'names', names: [] });
    expect(await createIdentityStore(said('no such content')).read('/x')).toEqual({ type: 'not found', what: '/x' });
  });

  it('is told with its checksum', async () => {
    expect(await createIdentityStore(said('one is kept')).list()).toEqual({
      type: 'files',
      files: [
        {
          member: 'n1',
          name: '20261127T021400Z-runbook-20261127-0214-3f9c.tar.age',
          sha256: recorded('read back').stdout.slice(0, 64),
        },
      ],
    });
  });
});

describe('a tar archive', () => {
  const file = (name: string, content: string, kind = '0'): Buffer => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write('        ', 148);
    header.write(kind, 156);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    return Buffer.concat([header, Buffer.from(content.padEnd(Math.ceil(content.length / 512) * 512, '\0'))]);
  };
  const end = Buffer.alloc(1024);
  const whole = Buffer.concat([file('a', 'one'), file('folder/', '', '5'), file('folder/b', 'x'.repeat(513)), end]);

  it('is read file by file', () => {
    expect([...(readTar(whole)?.entries() ?? [])].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['a', 'one'],
      ['folder/b', 'x'.repeat(513)],
    ]);
  });

  it('is none where it is cut off anywhere, or altered', () => {
    for (let length = 0; length < whole.length - end.length; length += 100)
      expect(readTar(whole.subarray(0, length))).toBeUndefined();
    const altered = Buffer.from(whole);
    altered.write('b');
    expect(readTar(altered)).toBeUndefined();
  });
});
