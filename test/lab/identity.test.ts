import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/index.ts';
import type { RunView } from '../../plan/run.ts';
import type { identityBackup } from '../../workflows/identity-backup.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const MEMBERS = ['n1', 'n2', 'n3'];
const ROOT = '/var/lib/runbook/identities';
const FILES = ['cluster.crt', 'cluster.key', 'server.crt', 'server.key', 'database/local.db'];

/** Names of files that hold the first word; none is no failure. */
const LOOK = 'grep -lsF -- "$@" || true';

describe('identities of real members', () => {
  let keys: string;
  let revision: string;
  const here = (program: string, args: string[], input?: Buffer): Buffer =>
    execFileSync(join(lab().binDir, program), args, { stdio: ['pipe', 'pipe', 'pipe'], ...(input && { input }) });

  /** The monorepo's runbook.yaml with a section `identity`, committed. */
  const declare = async (more = ''): Promise<string> => {
    const path = join(lab().repo, 'runbook.yaml');
    const recipients = ['operator', 'other'].map((name) =>
      here('age-keygen', ['-y', join(keys, name)])
        .toString()
        .trim(),
    );
    const section = `identity:\n  recipients: [${recipients.join(', ')}]\n  keep: 2\n  identityFile: ${join(keys, 'operator')}\n${more}`;
    writeFileSync(path, `${readFileSync(path, 'utf8').split(/^identity:/m)[0] ?? ''}${section}`);
    return (await lab().setSpec('n1', {})).trim();
  };
  const backUp = async (node?: string): Promise<RunView> =>
    viewOf(
      await worker().env.client.workflow.start<typeof identityBackup>('identityBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: `identity-backup/${node ?? 'all'}`,
        args: [{ fleet: { revision }, actor: 'tester', planOnly: false, ...(node === undefined ? {} : { node }) }],
      }),
    );
  const copiesOn = async (host: string, member: string): Promise<string[]> =>
    (await text(host, 'sh', '-c', `ls ${ROOT}/${member} 2>/dev/null || true`)).split('\n').filter(Boolean);
  const fetch = async (host: string, member: string, name: string): Promise<Buffer> =>
    Buffer.from(await text(host, 'base64', '-w0', `${ROOT}/${member}/${name}`), 'base64');

  beforeAll(async () => {
    keys = mkdtempSync(join(tmpdir(), 'runbook-identity-'));
    for (const name of ['operator', 'other', 'stranger'])
      writeFileSync(join(keys, name), here('age-keygen', []), { mode: 0o600 });
    writeFileSync(join(keys, 'spare'), readFileSync(join(keys, 'operator')));
    revision = await declare();
  }, 60_000);
  afterAll(() => {
    rmSync(keys, { recursive: true });
  });

  it('are on every other member, and an operator’s key opens what the host has', async () => {
    const view = await backUp();
    expect(view.result).toMatchObject({ outcome: 'Done', left: [], summary: 'The identity of n1, n2, n3 is saved.' });
    for (const member of MEMBERS) {
      expect(await copiesOn(member, member)).toEqual([]);
      const others = MEMBERS.filter((name) => name !== member);
      const names = await Promise.all(others.map((host) => copiesOn(host, member)));
      expect(names[0]).toHaveLength(1);
      expect(names[1]).toEqual(names[0]);
      const copy = await fetch(others[0] ?? '', member, names[0]?.[0] ?? '');
      expect(copy.toString('latin1').match(/^-> X25519 /gm)).toHaveLength(2);
      expect(() => here('age', ['-d', '-i', join(keys, 'stranger')], copy)).toThrow(/no identity matched/);
      const folder = mkdtempSync(join(keys, 'plain-'));
      execFileSync('tar', ['-x', '-C', folder], { input: here('age', ['-d', '-i', join(keys, 'other')], copy) });
      for (const name of FILES.filter((each) => each !== 'database/local.db'))
        expect(readFileSync(join(folder, name))).toEqual(
          Buffer.from(await text(member, 'base64', '-w0', `/var/lib/incus/${name}`), 'base64'),
        );
      const check = execFileSync('sqlite3', [
        join(folder, 'database/local.db'),
        'PRAGMA integrity_check; SELECT name FROM raft_nodes ORDER BY name',
      ]);
      expect(check.toString().trim().split('\n')).toEqual(['ok', ...MEMBERS]);
      expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toMatchObject({ member, run: view.name });
    }
    for (const host of MEMBERS) {
      expect(await text(host, 'find', ROOT, '-type', 'd', '-not', '-perm', '700')).toBe('');
      expect(await text(host, 'find', ROOT, '-type', 'f', '-not', '-perm', '600')).toBe('');
      expect(await text(host, 'sh', '-c', 'ls -d /run/runbook-identity-* 2>/dev/null || true')).toBe('');
    }
  }, 120_000);

  it('leave their host encrypted only', async () => {
    await backUp();
    await backUp('n1');
    const secrets = await Promise.all(
      ['server.key', 'cluster.key'].map(async (name) =>
        (await text('n1', 'sed', '-n', '2p', `/var/lib/incus/${name}`)).trim(),
      ),
    );
    const [secret = ''] = secrets;
    const history = JSON.stringify(await worker().env.client.workflow.getHandle('identity-backup/n1').fetchHistory());
    for (const each of secrets) {
      expect(each).toMatch(/^[A-Za-z0-9+/]{64}$/);
      expect(history).not.toContain(each);
      expect(history).not.toContain(Buffer.from(each).toString('base64').slice(4, 60));
    }
    // Of the server's own key; the cluster's is on each member anyway.
    const plainOn = (host: string, ...folders: string[]): Promise<string> =>
      text(
        host,
        'find',
        ...folders,
        '-xdev',
        '-type',
        'f',
        '-size',
        '-1024k',
        '-exec',
        'sh',
        '-c',
        LOOK,
        'sh',
        secret,
        '{}',
        '+',
      );
    for (const host of MEMBERS) expect(await plainOn(host, '/var/lib/runbook', '/run', '/tmp', '/root')).toBe('');
    // That it would be found.
    expect(await plainOn('n1', '/var/lib/incus')).toBe('/var/lib/incus/server.key');
    for (const folder of readdirSync(tmpdir()).filter((name) => name.startsWith('runbook-lab-')))
      for (const file of filesIn(join(tmpdir(), folder))) expect(readFileSync(file).includes(secret)).toBe(false);
  }, 120_000);

  it('are found, and unpacked on their host for whoever has a key', async () => {
    const { activities, close } = createActivities({ repo: lab().repo, stateDir: keys, env: lab().env });
    const act = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
    const ref = { fleet: { revision }, name: 'runbook-20261127-0214-3f9c', member: 'n2' };
    try {
      const copies = await act(() => activities.findIdentities(ref));
      expect(new Set(copies.map(({ place }) => place))).toEqual(new Set(['n1', 'n3']));
      expect(copies.map(({ takenAt }) => takenAt)).toEqual(
        copies
          .map(({ takenAt }) => takenAt)
          .sort()
          .reverse(),
      );
      const [copy] = copies;
      if (copy === undefined) throw new Error('Expected a copy.');
      const { staged } = await act(() => activities.restoreIdentity({ ...ref, ...copy }));
      expect(staged).toBe('/var/lib/runbook/identity-runbook-20261127-0214-3f9c');
      for (const name of ['server.key', 'cluster.key', 'server.crt'])
        expect((await lab().run('n2', ['cmp', `${staged}/${name}`, `/var/lib/incus/${name}`])).exitCode).toBe(0);
      expect(await text('n2', 'stat', '-c', '%a', staged, `${staged}/server.key`)).toBe('700\n600');
      await expect(act(() => activities.restoreIdentity({ ...ref, ...copy, member: 'n1' }))).rejects.toMatchObject({
        type: 'Damaged',
        message: expect.stringContaining('it is the identity of n2, not of n1') as unknown,
      });
      await text(copy.place, 'truncate', '-s', '-1', copy.path);
      await expect(act(() => activities.restoreIdentity({ ...ref, ...copy }))).rejects.toMatchObject({
        type: 'Damaged',
      });
      rmSync(join(keys, 'operator'));
      await expect(act(() => activities.restoreIdentity({ ...ref, ...copy }))).rejects.toMatchObject({
        type: 'BadConfig',
      });
      writeFileSync(join(keys, 'operator'), readFileSync(join(keys, 'stranger')));
      await expect(act(() => activities.restoreIdentity({ ...ref, ...copy }))).rejects.toMatchObject({
        type: 'WrongKey',
      });
      writeFileSync(join(keys, 'operator'), readFileSync(join(keys, 'spare')));
    } finally {
      await close();
    }
  }, 120_000);

  it('are as many as are to be kept, and nothing else is touched', async () => {
    await text(
      'n2',
      'sh',
      '-c',
      `echo mine >${ROOT}/n1/notes.txt; echo mine >${ROOT}/n1/20200101T000000Z-mine.tar.age`,
    );
    await backUp('n1');
    await backUp('n1');
    const names = await copiesOn('n2', 'n1');
    expect(names.filter((name) => name.includes('-runbook-'))).toHaveLength(2);
    expect(names).toEqual(expect.arrayContaining(['notes.txt', '20200101T000000Z-mine.tar.age']));
    expect(await copiesOn('n3', 'n1')).toHaveLength(2);
  }, 120_000);

  it('go to restic as well, and come back from there', async () => {
    const repository = ['--repo=/root/identities', '--password-file=/root/password'];
    await text('n1', 'sh', '-c', 'echo secret >/root/password');
    await text('n1', 'restic', 'init', ...repository);
    revision = await declare('  restic: { repository: /root/identities, passwordFile: /root/password }\n');
    expect((await backUp('n1')).result).toMatchObject({ outcome: 'Done', left: [] });
    const { activities, close } = createActivities({ repo: lab().repo, stateDir: keys, env: lab().env });
    const act = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
    const ref = { fleet: { revision }, name: 'runbook-20261127-0214-3f9c', member: 'n1' };
    try {
      const copy = (await act(() => activities.findIdentities(ref))).find(({ place }) => place === 'restic');
      if (copy === undefined) throw new Error('Expected a copy in restic.');
      const { staged } = await act(() => activities.restoreIdentity({ ...ref, ...copy }));
      expect((await lab().run('n1', ['cmp', `${staged}/server.key`, '/var/lib/incus/server.key'])).exitCode).toBe(0);
    } finally {
      await close();
    }
    revision = await declare();
  }, 120_000);

  it('of those that are there are saved where one is away', async () => {
    await lab().cut('n3');
    const { result } = await backUp();
    await lab().heal('n3');
    expect(result).toMatchObject({ outcome: 'Failed', summary: 'The identity of n1, n2 is saved. Not that of n3.' });
    expect(result?.left.join('\n')).toMatch(/The identity of n3 was not saved.*\n.*n1 on n3.*\n.*n2 on n3/);
  }, 180_000);

  it('are whole or not there where the worker is killed meanwhile', async () => {
    for (let round = 0; round < 4; round++) {
      const before = (await copiesOn('n2', 'n1')).length;
      const ending = backUp('n1');
      await eventually('something is at work', async () => {
        const names = await copiesOn('n2', 'n1');
        return round % 2 === 0 || names.length !== before || names.some((name) => name.includes('.part'));
      });
      await worker().kill();
      await worker().restart();
      expect((await ending).result).toMatchObject({ outcome: 'Done', left: [] });
      for (const host of ['n2', 'n3'])
        for (const name of (await copiesOn(host, 'n1')).filter((each) => /-runbook-.*\.tar\.age$/.test(each)))
          here('age', ['-d', '-i', join(keys, 'operator')], await fetch(host, 'n1', name));
    }
  }, 240_000);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = statSync(path);
    return stat.isDirectory() ? filesIn(path) : stat.isFile() ? [path] : [];
  });
}
