import { describe, expect, it } from '@jest/globals';
import { clockSkew } from '../../tools/clock.ts';
import { createRestic } from '../../tools/restic.ts';
import { userId } from '../../tools/user-id.ts';
import { createZfs } from '../../tools/zfs.ts';
import { json, refusal, scripted, type Answer } from './fake-host.ts';

describe('the clock of a host', () => {
  const argv = ['date', '+%s.%N'];
  const ticking = (...times: number[]) => {
    const rest = [...times];
    return () => rest.shift() ?? Number.NaN;
  };

  it('is compared with the middle of the time that asking took', async () => {
    const host = scripted([argv, { stdout: '1700000005.500000000\n' }]);
    expect(await clockSkew(host, { now: ticking(1_700_000_000_000, 1_700_000_001_000) })).toEqual({
      type: 'skew',
      skewMs: 5_000,
      uncertaintyMs: 500,
    });
  });

  it.each([[{ stdout: '1700000005.%N\n' }], [{ stdout: '' }], [refusal('date: no', 1)]])(
    'is unexpected with the answer %j',
    async (answer: Answer) => {
      expect(await clockSkew(scripted([argv, answer]))).toMatchObject({ type: 'unexpected', tool: 'date' });
    },
  );
});

describe('as whom commands run', () => {
  it('is told by a number, and by nothing else', async () => {
    expect(await userId(scripted([['id', '-u'], { stdout: '1000\n' }]))).toEqual({ type: 'id', uid: 1000 });
    for (const answer of [{ stdout: 'root\n' }, { stdout: '' }, refusal('id: no')])
      expect(await userId(scripted([['id', '-u'], answer]))).toMatchObject({ type: 'unexpected', tool: 'id' });
  });
});

describe('zfs', () => {
  const pool = ['zpool', 'list', '-Hp', '-o', 'name,health,size,alloc,free', 'tank'];
  const snapshots = [
    ...['zfs', 'list', '-Hp', '-t', 'snapshot', '-d', '1', '-o', 'name,creation', '-S', 'creation'],
    'backup/edge-data',
  ];

  it('tells the health of a pool in bytes', async () => {
    const host = scripted([pool, { stdout: 'tank\tDEGRADED\t1000\t300\t700\n' }]);
    expect(await createZfs(host).poolHealth('tank')).toEqual({
      type: 'pool',
      name: 'tank',
      health: 'DEGRADED',
      size: 1000,
      allocated: 300,
      free: 700,
    });
  });

  it.each([
    [refusal("cannot open 'tank': no such pool"), 'not found'],
    [{ stdout: 'tank\tPURPLE\t1000\t300\t700\n' }, 'unexpected'],
    [{ stdout: 'tank\tONLINE\t1000\t300\n' }, 'unexpected'],
    [{ stdout: 'tank\tONLINE\t1T\t300\t700\n' }, 'unexpected'],
    [refusal('internal error: Invalid argument'), 'unexpected'],
  ])('answered with %j is %s', async (answer: Answer, type) => {
    expect(await createZfs(scripted([pool, answer])).poolHealth('tank')).toMatchObject({ type });
  });

  const pools = pool.slice(0, -1);

  it('tells of every pool, and of none', async () => {
    const two = { stdout: 'tank\tONLINE\t1000\t300\t700\nback\tDEGRADED\t10\t3\t7\n' };
    expect(await createZfs(scripted([pools, two])).pools()).toMatchObject({
      type: 'pools',
      pools: [
        { name: 'tank', health: 'ONLINE', free: 700 },
        { name: 'back', health: 'DEGRADED', free: 7 },
      ],
    });
    expect(await createZfs(scripted([pools, { stdout: '' }])).pools()).toEqual({ type: 'pools', pools: [] });
  });

  it.each([[{ stdout: 'tank\tPURPLE\t1\t1\t1\n' }], [refusal('The ZFS modules are not loaded.')]])(
    'does not guess at %j',
    async (answer: Answer) => {
      expect(await createZfs(scripted([pools, answer])).pools()).toMatchObject({ type: 'unexpected', tool: 'zpool' });
    },
  );

  it('finds the newest snapshot', async () => {
    const stdout = 'backup/edge-data@snapshot-b\t1700000000\nbackup/edge-data@snapshot-a\t1600000000\n';
    expect(await createZfs(scripted([snapshots, { stdout }])).newestSnapshot('backup/edge-data')).toEqual({
      type: 'snapshot',
      name: 'backup/edge-data@snapshot-b',
      created: '2023-11-14T22:13:20.000Z',
    });
  });

  it.each([
    [{}, 'none'],
    [refusal("cannot open 'backup/edge-data': dataset does not exist"), 'not found'],
    [{ stdout: 'backup/edge-data@a\tyesterday\n' }, 'unexpected'],
  ])('with the answer %j has %s', async (answer: Answer, type) => {
    expect(await createZfs(scripted([snapshots, answer])).newestSnapshot('backup/edge-data')).toMatchObject({ type });
  });

  it.each(['-r', '', 'a b', 'a@b'])('is not asked for %j', async (name) => {
    await expect(createZfs(scripted()).newestSnapshot(name)).rejects.toThrow(TypeError);
  });
});

describe('restic', () => {
  const source = { repository: 'rest:https://backup.example/x', passwordFile: '/run/keys/restic' };
  const argv = [
    ...['restic', 'snapshots', '--json', '--latest', '1', '--no-lock'],
    ...['--repo=rest:https://backup.example/x', '--password-file=/run/keys/restic'],
  ];
  const snapshot = (id: string, time: string) => ({
    id,
    time,
    hostname: 'edge-vm',
    paths: ['/data'],
    username: 'root',
  });

  it('takes the newest over all hosts and paths, across time zones', async () => {
    const listed = [
      snapshot('older', '2026-11-23T02:30:00.123456789+01:00'),
      snapshot('newest', '2026-11-23T02:00:00.5Z'),
      snapshot('old', '2026-11-01T00:00:00Z'),
    ];
    expect(await createRestic(scripted([argv, json(listed)])).newestSnapshot(source)).toEqual({
      type: 'snapshot',
      id: 'newest',
      created: '2026-11-23T02:00:00.500Z',
      hostname: 'edge-vm',
      paths: ['/data'],
      tags: [],
    });
  });

  it('keeps a file from memory, lists and gives it back', async () => {
    const where = ['--repo=rest:https://backup.example/x', '--password-file=/run/keys/restic', '--tag=t'];
    const tagged = { ...source, tag: 't' };
    const backup = ['restic', 'backup', '--json', '--stdin', '--stdin-filename', 'one', '--host=n1', ...where];
    const file = { name: 'one', content: Buffer.from('text'), host: 'n1' };
    const taking = scripted([backup, {}]);
    expect(await createRestic(taking).backupFile(tagged, file)).toEqual({ type: 'saved' });
    expect(taking.calls[0]?.options.input).toEqual(Buffer.from('text'));
    const listing = scripted([
      ['restic', 'snapshots', '--json', '--no-lock', ...where],
      json([snapshot('a', '2026-11-23T02:00:00Z')]),
    ]);
    expect(await createRestic(listing).snapshots(tagged)).toMatchObject({ snapshots: [{ id: 'a', paths: ['/data'] }] });
    const dump = ['restic', 'dump', '--no-lock', ...where, 'a', '/one'];
    const giving = scripted([
      ['bash', '-c', 'set -o pipefail; "$@" | base64 --wrap=0', 'bash', ...dump],
      { stdout: 'dGV4dA==' },
    ]);
    expect(await createRestic(giving).dump(tagged, 'a', '/one')).toEqual({
      type: 'content',
      bytes: Buffer.from('text'),
    });
    const locked = scripted([backup, refusal('locked', 11)]);
    expect(await createRestic(locked).backupFile(tagged, file)).toMatchObject({ type: 'locked' });
  });

  it('asks for a tag and paths as values that are no options', async () => {
    const host = scripted([[...argv, '--tag=-x', '--path=/data'], json([])]);
    expect(await createRestic(host).newestSnapshot({ ...source, tag: '-x', paths: ['/data'] })).toEqual({
      type: 'none',
    });
  });

  it.each([
    [refusal('Fatal: repository does not exist', 10), 'no repository'],
    [refusal('Fatal: unable to create lock', 11), 'locked'],
    [refusal('Fatal: wrong password or no key found', 12), 'wrong password'],
    [refusal('Fatal: anything', 1), 'unexpected'],
    [refusal('incomplete', 3), 'unexpected'],
    [json(null), 'none'],
    [json([{ id: 'x' }]), 'unexpected'],
  ])('answered with %j is %s', async (answer: Answer, type) => {
    expect(await createRestic(scripted([argv, answer])).newestSnapshot(source)).toMatchObject({ type });
  });

  it('has the message of its last line, in JSON or not', async () => {
    const said = '{"message_type":"exit_error","code":12,"message":"Fatal: wrong \\"password\\" or no key found"}';
    const ask = (stderr: string) => createRestic(scripted([argv, refusal(stderr, 12)])).newestSnapshot(source);
    expect(await ask(said)).toEqual({ type: 'wrong password', message: 'Fatal: wrong "password" or no key found' });
    expect(await ask('Fatal: wrong password')).toEqual({ type: 'wrong password', message: 'Fatal: wrong password' });
  });

  it('is never given a password in its command line', async () => {
    const repository = 'rest:https://me:hunter2@backup.example/x';
    await expect(createRestic(scripted()).newestSnapshot({ ...source, repository })).rejects.toThrow(TypeError);
  });
});
