import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePrivate } from '../../workers/private-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-private-'));
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (...path: string[]): Promise<string> =>
  ((await stat(join(folder, ...path))).mode & 0o7777).toString(8);

async function file(name: string): Promise<void> {
  await writeFile(join(folder, name), '');
  await chmod(join(folder, name), 0o644);
}

describe('a state folder', () => {
  it.each(['755', '777'])('that had mode %s is private, and what is in it', async (mode) => {
    await chmod(folder, Number.parseInt(mode, 8));
    const files = ['temporal.db', 'temporal.db-wal', 'temporal.db-shm', 'temporal.db-journal', 'temporal.lock'];
    const all = [...files, 'temporal.log', 'temporal.log.1', 'worker.log', 'dev-server.json'];
    for (const name of all) await file(name);
    await mkdir(join(folder, 'jobs'));
    await makePrivate(folder, {});
    expect(await modeOf()).toBe('700');
    for (const name of all) expect([name, await modeOf(name)]).toEqual([name, '600']);
  });

  it('that holds other things keeps its mode and theirs, and only our files are private', async () => {
    await chmod(folder, 0o755);
    for (const name of ['notes.txt', 'temporal.db', 'temporal.dbx']) await file(name);
    await makePrivate(folder, {});
    expect([await modeOf(), await modeOf('notes.txt'), await modeOf('temporal.dbx')]).toEqual(['755', '644', '644']);
    expect(await modeOf('temporal.db')).toBe('600');
  });

  it.each(['1777', '1755'])('with mode %s is for more than us, and stays so', async (mode) => {
    await chmod(folder, Number.parseInt(mode, 8));
    await makePrivate(folder, {}).catch(() => undefined);
    expect(await modeOf()).toBe(mode);
  });

  it('is refused where everybody may write and it is not ours alone', async () => {
    await chmod(folder, 0o1777);
    await expect(makePrivate(folder, {})).rejects.toMatchObject({
      type: 'refused',
      message: `Everybody may write in the state folder ${folder}.`,
    });
  });

  it('may be a home, which stays as it is', async () => {
    await chmod(folder, 0o755);
    await makePrivate(folder, { HOME: folder });
    expect(await modeOf()).toBe('755');
  });

  it('may hold a link, whose file is left alone', async () => {
    await file('elsewhere');
    await symlink('elsewhere', join(folder, 'temporal.log'));
    await makePrivate(folder, {});
    expect(await modeOf('elsewhere')).toBe('644');
  });
});
