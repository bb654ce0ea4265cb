import { afterAll, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { main } from '../../cli/program.ts';
import { findCodecKeys, readCodecKeys } from '../../workers/codec/keys.ts';
import { createPayloadCodec } from '../../workers/codec/payload-codec.ts';
import { testIo } from '../cli/io.ts';

const folder = mkdtempSync(join(tmpdir(), 'runbook-codec-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const SECRET = Buffer.alloc(32, 7).toString('base64');
const OTHER = Buffer.alloc(32, 8).toString('base64');

let count = 0;
function file(content: string, mode = 0o600): string {
  const path = join(folder, `keys-${count++}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const codec = (content?: string) =>
  createPayloadCodec(content === undefined ? undefined : readCodecKeys(file(content)));
const payloadOf = (value: unknown) => defaultPayloadConverter.toPayload(value);
const valueOf = async (by: ReturnType<typeof codec>, payload: object): Promise<unknown> => {
  const [decoded] = await by.decode([payload]);
  return decoded && defaultPayloadConverter.fromPayload(decoded);
};

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = testIo({ cwd: folder });
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
}

describe('a key file', () => {
  it('has keys with ids, remarks and empty lines', () => {
    const { keys } = readCodecKeys(file(`# ours\n\nnew ${SECRET}\n  old\t${OTHER}  \n`));
    expect(keys.map(({ id, secret }) => [id, secret.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ]);
  });

  it.each([
    ['is readable by others', `a ${SECRET}`, 0o640, /for its owner alone, found mode 0640.*chmod 600/],
    ['has no key', '# nothing\n', 0o600, /to have a key, found none/],
    ['lacks an id', SECRET, 0o600, /line 1 of .* to be an id and a key, got 1 word/],
    ['has more than that', `a ${SECRET} b`, 0o600, /got 3 word/],
    ['has an id that is none', `a/b ${SECRET}`, 0o600, /the id on line 1/],
    ['has a key that is too short', `a ${Buffer.alloc(16).toString('base64')}`, 0o600, /"a".* 32 bytes, got 16/],
    ['has a key that is no base64', `a ${SECRET.replace('Bw', '!!')}`, 0o600, /"a".* to be base64/],
    ['has an id twice', `a ${SECRET}\na ${OTHER}`, 0o600, /each id once.*"a" again/],
  ])('that %s is refused, and nothing of it is repeated', (_what, content, mode, message) => {
    const path = file(content, mode);
    const refusal = expect(() => readCodecKeys(path));
    refusal.toThrow(message);
    refusal.not.toThrow(SECRET);
  });

  it('that is not there, or no file, is refused', () => {
    expect(() => readCodecKeys(join(folder, 'none'))).toThrow(/a key file, found nothing there/);
    expect(() => readCodecKeys(folder)).toThrow(/found something else than a file/);
  });

  it('is named by the environment', () => {
    const keys = file(`a ${SECRET}`);
    expect(findCodecKeys({ RUNBOOK_CODEC_KEYS: keys })?.file).toBe(keys);
    expect(findCodecKeys({})).toBeUndefined();
    // A unit file whose value got lost would write in the clear.
    expect(() => findCodecKeys({ RUNBOOK_CODEC_KEYS: '' })).toThrow(/to name a key file, found nothing/);
  });
});

describe('runbook codec new-key', () => {
  it('writes a key for its owner alone, and does not show it', async () => {
    const { code, out } = await run('codec', 'new-key', 'made.keys', '--id', 'first');
    const path = join(folder, 'made.keys');
    expect(code).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readCodecKeys(path).keys).toHaveLength(1);
    expect(out).toContain('has the key first.');
    expect(out).not.toContain(readCodecKeys(path).keys[0].secret.toString('base64'));
  });

  it('leaves a file alone, and adds a key behind those in it when asked to', async () => {
    await run('codec', 'new-key', 'kept.keys', '--id', 'first');
    const path = join(folder, 'kept.keys');
    const before = readFileSync(path, 'utf8');
    expect(await run('codec', 'new-key', 'kept.keys')).toMatchObject({
      code: 2,
      err: expect.stringContaining('left alone'),
    });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect((await run('codec', 'new-key', '--add', 'kept.keys')).code).toBe(0);
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
    expect(readCodecKeys(path).keys.map(({ id }) => id)).toEqual([
      'first',
      expect.stringMatching(/^\d{4}-\d\d-\d\d-[0-9a-f]{4}$/),
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await run('codec', 'new-key', '--add', 'kept.keys', '--id', 'first')).err).toContain('Expected another id');
    expect((await run('codec', 'new-key', '--add', 'none.keys')).code).toBe(2);
  });
});

describe('the payload codec', () => {
  it('hides what a payload holds and what it is, behind a nonce of its own', async () => {
    const by = codec(`a ${SECRET}`);
    const [first, second] = await by.encode([payloadOf('canary'), payloadOf('canary')]);
    expect(Buffer.from(first?.data ?? []).includes('canary')).toBe(false);
    expect(Buffer.from(first?.data ?? []).equals(Buffer.from(second?.data ?? []))).toBe(false);
    const metadata = Object.entries(first?.metadata ?? {}).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString(),
    ]);
    expect(metadata).toEqual([
      ['encoding', 'binary/encrypted'],
      ['encryption-key-id', 'a'],
    ]);
    expect(await valueOf(by, first ?? {})).toBe('canary');
  });

  it('reads by every key of the file, writes by the first, and reads what was never encrypted', async () => {
    const [old] = await codec(`a ${SECRET}`).encode([payloadOf(1)]);
    const rotated = codec(`b ${OTHER}\na ${SECRET}`);
    const [now] = await rotated.encode([payloadOf(2)]);
    expect(await valueOf(rotated, old ?? {})).toBe(1);
    expect(await valueOf(codec(`b ${OTHER}`), now ?? {})).toBe(2);
    expect(await valueOf(rotated, payloadOf(3))).toBe(3);
    expect(await codec().encode([payloadOf(4)])).toEqual([payloadOf(4)]);
  });

  it('names the key that is missing, and one that does not fit', async () => {
    const [sealed = {}] = await codec(`a ${SECRET}`).encode([payloadOf(1)]);
    await expect(codec().decode([sealed])).rejects.toThrow('by the key "a", and no keys are configured here');
    await expect(codec(`b ${OTHER}\nc ${SECRET}`).decode([sealed])).rejects.toThrow(/"a", and .* only b, c[.]/);
    await expect(codec(`a ${OTHER}`).decode([sealed])).rejects.toThrow('The key "a" does not open');
  });

  it('finds every change of what was encrypted', async () => {
    const by = codec(`a ${SECRET}`);
    const [sealed = {}] = await by.encode([payloadOf(1)]);
    const data = Buffer.from(sealed.data ?? []);
    for (const index of data.keys()) {
      const changed = Buffer.from(data);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(by.decode([{ ...sealed, data: changed }])).rejects.toThrow('does not open');
    }
    for (const length of [0, 5, 12, 27]) {
      const cut = { ...sealed, data: data.subarray(0, length) };
      await expect(by.decode([cut])).rejects.toThrow('does not open');
    }
  });
});
