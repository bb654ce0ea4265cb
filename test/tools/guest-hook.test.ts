import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import { createGuestHooks, type GuestHooks, type HooksOf } from '../../tools/guest-hook.ts';
import { eventually, processesWith } from '../hosts/eventually.ts';

describe('hooks of a guest', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-hooks-'));
  });
  afterEach(async () => {
    await eventually('no guard is left', () => processesWith(join(folder, 'hooks', 'run-g1')).length === 0);
    rmSync(folder, { recursive: true });
  });

  const log = (text: string): string[] => ['sh', '-c', `printf '%s\\n' "$2" >>"$1"`, 'sh', join(folder, 'log'), text];
  const logged = (): string[] =>
    existsSync(join(folder, 'log')) ? lines(readFileSync(join(folder, 'log'), 'utf8')) : [];
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  const hooks = (own: Partial<GuestHooks> = {}): HooksOf => {
    const told = { id: 'run-g1', before: log('frozen'), after: log('thawed'), timeoutMs: 5_000, ...own };
    return createGuestHooks(createLocalHost({ stateDir: join(folder, 'state') }), told, {
      folder: join(folder, 'hooks'),
    });
  };

  it('run once each, with their words as they are', async () => {
    const words = `it's "$HOME" * and\ttabs`;
    const { before, after } = hooks({ before: log(words) });
    await expect(before()).resolves.toEqual({ type: 'ran' });
    await expect(after()).resolves.toEqual({ type: 'ran' });
    expect(logged()).toEqual([words, 'thawed']);
  });

  it('thaw by themselves where nobody comes back, and say so to who comes too late', async () => {
    const { before, after } = hooks({ timeoutMs: 500 });
    await before();
    await eventually('it has thawed by itself', () => logged().length === 2);
    expect(logged()).toEqual(['frozen', 'thawed']);
    await expect(after()).resolves.toEqual({ type: 'too late' });
    // Also to the next attempt.
    await expect(after()).resolves.toEqual({ type: 'too late' });
  });

  it('thaw what an earlier attempt has left frozen before they freeze again', async () => {
    await hooks().before();
    const { before, after } = hooks();
    await before();
    await after();
    expect(logged()).toEqual(['frozen', 'thawed', 'frozen', 'thawed']);
  });

  it('say what failed, and thaw all the same', async () => {
    const { before, after } = hooks({ before: ['sh', '-c', 'echo no such database >&2; exit 3'] });
    await expect(before()).resolves.toEqual({ type: 'failed', exitCode: 3, message: 'no such database' });
    await expect(after()).resolves.toEqual({ type: 'ran' });
    expect(logged()).toEqual(['thawed']);
  });

  it('end one that hangs', async () => {
    const { before, after } = hooks({ before: ['sleep', '3600'], timeoutMs: 300 });
    await expect(before()).resolves.toEqual({ type: 'timed out' });
    await after();
  });

  it('need not be two', async () => {
    await expect(hooks({ after: undefined }).before()).resolves.toEqual({ type: 'ran' });
    await expect(hooks({ after: undefined }).after()).resolves.toEqual({ type: 'ran' });
    expect(logged()).toEqual(['frozen']);
    await expect(hooks({ before: undefined }).before()).resolves.toEqual({ type: 'ran' });
    await expect(hooks({ before: undefined }).after()).resolves.toEqual({ type: 'ran' });
    expect(logged()).toEqual(['frozen', 'thawed']);
  });
});
