import { describe, expect, it } from '@jest/globals';
import { readResticBackup, resticBackupArgv, resticProgress } from '../../tools/restic-backup.ts';
import { resticArgv } from '../../tools/restic-command.ts';
import { readResticLedger } from '../../tools/restic-ledger.ts';
import {
  readResticCheck,
  readResticForget,
  resticCheckArgv,
  resticForgetArgv,
} from '../../tools/restic-maintenance.ts';
import { readResticRestore, resticRestoreArgv } from '../../tools/restic-restore.ts';
import { fakeHost, scripted, type Answer } from './fake-host.ts';

const ACCESS = { repository: 'rest:http://backup.lan/g1', passwordFile: '/run/secrets/restic' };
const NAMED = { ...ACCESS, hostname: 'g1', tags: ['runbook', 'runbook-20261128-0214-3f9c'] };
const ran = (exitCode: number, stdout: string, stderr = '') => ({
  argv: ['restic'],
  result: { exitCode, stdout, stderr, truncated: false },
});
const summary = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{ message_type: 'summary', snapshot_id: 'abc', total_files_processed: 3 },
    ...{ total_bytes_processed: 9, data_added: 4, ...more },
  });
const exitError = (code: number, message: string): string =>
  JSON.stringify({ message_type: 'exit_error', code, message });

describe('the command line of restic', () => {
  it('has no secret in it', () => {
    expect(() => resticArgv({ ...ACCESS, repository: 'rest:https://me:secret@backup.lan/' }, ['prune'])).toThrow(
      TypeError,
    );
    expect(resticArgv({ ...ACCESS, environmentFile: '/run/secrets/env' }, ['prune'])).toEqual([
      ...['sh', '-c', expect.stringContaining('export'), 'sh', '/run/secrets/env'],
      ...['restic', 'prune', '--repo=rest:http://backup.lan/g1', '--password-file=/run/secrets/restic'],
    ]);
  });

  it('dates a backup in UTC, and reads paths as they are', () => {
    const argv = resticBackupArgv({
      ...NAMED,
      time: '2026-11-28T02:14:09.000Z',
      source: { type: 'paths', paths: ['-a b'] },
    });
    expect(argv.slice(-3)).toEqual(['--time=2026-11-28 02:14:09', '--', '-a b']);
    expect(argv).toContain('--tag=runbook-20261128-0214-3f9c');
  });

  it('reads a snapshot at a fixed place, in a namespace of its own', () => {
    const source = {
      type: 'zfs',
      from: 'tank/incus/custom/default_data@snapshot-x',
      at: '/run/runbook/restic/d',
    } as const;
    const argv = resticBackupArgv({ ...NAMED, time: '2026-11-28T02:14:09.000Z', source });
    expect(argv.slice(0, 4)).toEqual(['unshare', '--mount', '--propagation', 'private']);
    expect(argv.slice(8, 11)).toEqual(['zfs', source.from, source.at]);
    expect(argv.at(-1)).toBe('.');
  });

  it('forgets only what has a tag', () => {
    expect(() => resticForgetArgv(ACCESS, { hostname: 'g1', tags: [], keep: { last: 1 } })).toThrow(TypeError);
    expect(resticForgetArgv(ACCESS, { ...NAMED, keep: { last: 3, yearly: 1 } })).toEqual(
      expect.arrayContaining([
        '--host=g1',
        '--tag=runbook,runbook-20261128-0214-3f9c',
        '--keep-last=3',
        '--keep-yearly=1',
      ]),
    );
  });

  it('names the part to be read, and a snapshot by its id alone', () => {
    expect(resticCheckArgv(ACCESS, { subset: 2, of: 30 })).toContain('--read-data-subset=2/30');
    expect(() => resticRestoreArgv({ ...ACCESS, snapshot: 'latest', target: '/x' })).toThrow(TypeError);
  });
});

describe('a backup', () => {
  it.each([
    [ran(0, summary()), 'complete'],
    [ran(3, summary()), 'incomplete'],
    [ran(3, ''), 'incomplete'],
    [ran(0, summary(), '/nope does not exist, skipping\n'), 'incomplete'],
    [ran(0, summary({ total_files_processed: 0 })), 'empty'],
    [ran(0, ''), 'unexpected'],
    [ran(0, '{"message_type":"summary"}'), 'unexpected'],
    [ran(1, '', exitError(1, 'Fatal: all source directories/files do not exist')), 'unexpected'],
    [ran(10, '', exitError(10, 'Fatal: repository does not exist')), 'no repository'],
    [ran(11, '', exitError(11, 'unable to create lock')), 'locked'],
    [ran(12, '', exitError(12, 'Fatal: wrong password')), 'wrong password'],
    [ran(78, '', 'runbook: /x cannot be read'), 'bad environment'],
    [ran(79, '', 'mount: /x: no'), 'not mounted'],
    [ran(130, summary()), 'unexpected'],
    [ran(2, summary()), 'unexpected'],
  ])('%j is %s', (answer, type) => {
    expect(readResticBackup(answer)).toMatchObject({ type });
  });

  it('names some of what it could not read', () => {
    const lines = ['/a', '/a', '/b'].map((item) => JSON.stringify({ message_type: 'error', error: {}, item }));
    expect(readResticBackup(ran(3, summary(), lines.join('\n')))).toMatchObject({
      snapshot: 'abc',
      unread: ['/a', '/b'],
    });
  });

  it('tells how far it is, by its last whole line', () => {
    const status = (bytes: number) => JSON.stringify({ message_type: 'status', bytes_done: bytes, total_bytes: 100 });
    expect(resticProgress([status(10), status(40), '{"message_ty'])).toEqual({ bytes: 40, totalBytes: 100 });
    expect(resticProgress(['nothing'])).toBeUndefined();
  });
});

describe('what looks after a repository', () => {
  it('sees through a success that deleted nothing', () => {
    const refused = 'unable to remove snapshot/7829 from the repository\n';
    expect(readResticForget(ran(0, '[]', refused))).toMatchObject({ type: 'refused' });
    expect(readResticForget(ran(3, '', ''))).toMatchObject({ type: 'refused' });
    expect(readResticForget(ran(0, ''))).toEqual({ type: 'forgotten' });
  });

  const checked = (errors: number) =>
    JSON.stringify({ message_type: 'summary', num_errors: errors, broken_packs: null });
  it.each([
    [ran(0, checked(0)), 'sound'],
    [ran(1, checked(1), exitError(1, 'Fatal: repository contains errors')), 'damaged'],
    [ran(1, '', 'Fatal: repository contains errors'), 'damaged'],
    [ran(0, checked(1)), 'damaged'],
    [ran(1, '', exitError(1, 'Fatal: unable to open config file')), 'unexpected'],
    [ran(11, checked(1), exitError(11, 'unable to create lock')), 'locked'],
    [ran(10, checked(1), exitError(10, 'Fatal: repository does not exist')), 'no repository'],
  ])('a check, %j, is %s', (answer, type) => {
    expect(readResticCheck(answer)).toMatchObject({ type });
  });

  it.each([
    [ran(0, '{"message_type":"summary","files_restored":4,"bytes_restored":9}'), 'restored'],
    [ran(1, '', exitError(1, 'path nope: not found')), 'not found'],
    [
      ran(1, '', exitError(1, 'Fatal: failed to find snapshot: no matching ID found for prefix "deadbeef"')),
      'not found',
    ],
    [ran(1, '', exitError(1, 'Fatal: There were 2 errors')), 'unexpected'],
    [ran(0, ''), 'unexpected'],
  ])('a restore, %j, is %s', (answer, type) => {
    expect(readResticRestore(answer)).toMatchObject({ type });
  });
});

describe('what a host knows of its repository', () => {
  const read = (answer: Answer) =>
    readResticLedger(
      fakeHost(() => answer),
      'r1',
    );

  it.each([
    [{ stdout: 'none\n' }, 'ledger'],
    [{ stdout: '{"prune":"2026-11-28T02:14:00.000Z"}\n\nend\n' }, 'ledger'],
    [{ stdout: '' }, 'unexpected'],
    [{ stdout: '{"prune":"2026-11-28T02:14:00.000Z"}\n' }, 'unexpected'],
    [{ stdout: '{"prune":"yesterday"}\n\nend\n' }, 'unexpected'],
    [{ stdout: 'half\n\nend\n' }, 'unexpected'],
  ])('%j is read as %s', async (answer, type) => {
    expect(await read(answer)).toMatchObject({ type });
  });

  it('is kept under no other name than a short id', async () => {
    await expect(readResticLedger(scripted(), '../x')).rejects.toThrow(TypeError);
  });
});
