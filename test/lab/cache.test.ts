import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { provide, removeAbandoned, type Part } from '../../lab/cache.ts';
import { withLock } from '../../lab/lock.ts';

let cache = '';
let input = '';
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'lab-cache-'));
  input = join(cache, 'input');
  await writeFile(input, 'one');
});
afterEach(async () => rm(cache, { recursive: true }));

const part = (build: Part['build']): Part => ({ name: 'part', inputs: { files: [input] }, proof: ['whole'], build });
const builds = (log: string[]): Part =>
  part(async (folder) => {
    log.push('build');
    await writeFile(join(folder, 'whole'), 'yes');
  });
const silent = (): void => undefined;

describe('a part of the cache', () => {
  it('is built once', async () => {
    const log: string[] = [];
    const first = await provide(cache, builds(log), silent);
    expect(await provide(cache, builds(log), silent)).toBe(first);
    expect(log).toEqual(['build']);
    expect(await readFile(join(first, 'whole'), 'utf8')).toBe('yes');
  });

  it('is another one when an input changes', async () => {
    const log: string[] = [];
    const first = await provide(cache, builds(log), silent);
    await writeFile(input, 'two');
    expect(await provide(cache, builds(log), silent)).not.toBe(first);
    expect(log).toHaveLength(2);
  });

  it('is built anew when it is broken', async () => {
    const log: string[] = [];
    const folder = await provide(cache, builds(log), silent);
    await rm(join(folder, 'whole'));
    await provide(cache, builds(log), silent);
    expect(log).toHaveLength(2);
    expect(existsSync(join(folder, 'whole'))).toBe(true);
  });

  it('is not there after a build that failed, and then built by the next', async () => {
    const failing = part(async (folder) => {
      await writeFile(join(folder, 'whole'), 'half');
      throw new Error('no more disk');
    });
    await expect(provide(cache, failing, silent)).rejects.toThrow('no more disk');
    expect((await readdir(cache)).filter((name) => /^part-[0-9a-f]+$/.test(name))).toEqual([]);
    const folder = await provide(cache, builds([]), silent);
    expect(await readFile(join(folder, 'whole'), 'utf8')).toBe('yes');
  });

  it('leaves nothing where its build was interrupted, once that is looked for and nobody builds it', async () => {
    const failing = part(() => Promise.reject(new Error('no more disk')));
    await expect(provide(cache, failing, silent)).rejects.toThrow('no more disk');
    const [left] = (await readdir(cache)).filter((name) => name.endsWith('.new'));
    const lock = join(cache, left?.replace(/new$/, 'lock') ?? '');
    await withLock(lock, silent, async () => {
      expect(await removeAbandoned(cache)).toEqual([]);
    });
    expect(await removeAbandoned(cache)).toEqual([left]);
    expect((await readdir(cache)).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('is built by one of two who want it at once, while the other says that it waits', async () => {
    const log: string[] = [];
    let finish = silent;
    const slow = part(async (folder) => {
      log.push('build');
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      await writeFile(join(folder, 'whole'), 'yes');
    });
    const told = (line: string): void => {
      log.push(line);
      if (line.endsWith('waiting')) finish();
    };
    const [one, other] = await Promise.all([provide(cache, slow, told), provide(cache, slow, told)]);
    expect(one).toBe(other);
    expect(log).toEqual([
      'build',
      'part: another process builds it; waiting',
      expect.stringMatching(/^part: built in \d+ s/),
    ]);
  });
});
