import { describe, expect, it } from '@jest/globals';
import { createIncus } from '../../tools/incus.ts';
import { fakeHost, hostError, json, refusal, scripted } from './fake-host.ts';

const LIST = ['incus', 'cluster', 'list', '-f', 'json'];
const EVACUATE = ['incus', 'cluster', 'evacuate', 'n3', '--action', 'stop', '--force'];
const RESTORE = ['incus', 'cluster', 'restore', 'n3', '--force'];

const row = (name: string, status: string) => ({
  server_name: name,
  url: `https://10.0.0.${name.slice(1)}:8443`,
  database: true,
  status,
  message: 'Fully operational',
  architecture: 'x86_64',
  roles: ['database-leader', 'database'],
  failure_domain: 'default',
  description: '',
  config: {},
  groups: ['default'],
});
const cluster = (status: string) => json([row('n1', 'Online'), row('n3', status)]);

describe('members', () => {
  it('are read from the JSON of the client, extra fields let through', async () => {
    const answer = await createIncus(scripted([LIST, json([{ ...row('n1', 'Blocked'), novelty: 1 }])])).members();
    expect(answer).toEqual({
      type: 'members',
      members: [
        {
          name: 'n1',
          url: 'https://10.0.0.1:8443',
          database: true,
          status: 'Blocked',
          message: 'Fully operational',
          roles: ['database-leader', 'database'],
        },
      ],
    });
  });

  it('of a server without a cluster are a variant of their own', async () => {
    const host = scripted([LIST, refusal("Error: Server isn't part of a cluster")]);
    expect(await createIncus(host).members()).toEqual({ type: 'not clustered' });
  });

  it('that hang for ever are taken for a lost quorum', async () => {
    const host = scripted([LIST, hostError('TimedOut')]);
    const answer = await createIncus(host).members();
    expect(answer).toMatchObject({ type: 'no quorum', message: expect.stringContaining('n1') });
    expect(host.calls[0]?.options.timeoutMs).toBeLessThanOrEqual(60_000);
  });

  it.each(['Unreachable', 'Refused', 'Cancelled', 'NotRun'] as const)('pass %s through as thrown', async (type) => {
    await expect(createIncus(scripted([LIST, hostError(type)])).members()).rejects.toMatchObject({ type });
  });

  it.each([
    ['Error: no available cowsql leader server found', 'no quorum'],
    ['Error: Failed to fetch: context deadline exceeded', 'busy'],
    ["Error: The incus daemon doesn't appear to be started (socket path: /run/incus/unix.socket)", 'busy'],
    ['Error: Missing event connection with target cluster member', 'member offline'],
    ['Error: something that nobody has seen', 'unexpected'],
    ['', 'unexpected'],
  ])('with %j are %s', async (stderr, type) => {
    expect(await createIncus(scripted([LIST, refusal(stderr)])).members()).toMatchObject({ type });
  });

  it('say which field is missing when the shape has changed', async () => {
    const changed = { ...row('n1', 'Online'), status: undefined };
    expect(await createIncus(scripted([LIST, json([changed])])).members()).toMatchObject({
      type: 'unexpected',
      tool: 'incus',
      argv: 'incus cluster list -f json',
      output: expect.stringContaining('0.status'),
    });
  });

  it.each([
    ['text that is no JSON', { stdout: 'Ready.' }],
    ['output that was cut', { stdout: '[]', truncated: true }],
  ])('are unexpected with %s', async (_, answer) => {
    expect(await createIncus(scripted([LIST, answer])).members()).toMatchObject({ type: 'unexpected' });
  });
});

describe('server', () => {
  const environment = {
    server_version: '6.0.4',
    server_name: 'n1',
    server_clustered: true,
    storage: 'zfs | dir',
    storage_version: '2.3.9-1 | 1',
  };

  it('has its version and its storage drivers', async () => {
    const host = scripted([
      ['incus', 'query', '/1.0'],
      json({ api_extensions: ['a', 'b'], environment, auth: 'trusted' }),
    ]);
    expect(await createIncus(host).server()).toEqual({
      type: 'server',
      version: '6.0.4',
      clustered: true,
      serverName: 'n1',
      apiExtensions: 2,
      storageDrivers: [
        { name: 'zfs', version: '2.3.9-1' },
        { name: 'dir', version: '1' },
      ],
    });
  });

  it('without a version is unexpected', async () => {
    const unversioned = { ...environment, server_version: undefined };
    const host = scripted([['incus', 'query', '/1.0'], json({ api_extensions: [], environment: unversioned })]);
    expect(await createIncus(host).server()).toMatchObject({ type: 'unexpected' });
  });
});

describe('evacuating a member', () => {
  it('stops its instances where they are and verifies that it is evacuated', async () => {
    const host = scripted([LIST, cluster('Online')], [EVACUATE, {}], [LIST, cluster('Evacuated')]);
    expect(await createIncus(host).evacuateMember('n3')).toEqual({ type: 'evacuated' });
  });

  it('is done once, however often it is asked for', async () => {
    let status = 'Online';
    const host = fakeHost((argv) => {
      if (argv[2] === 'list') return cluster(status);
      if (JSON.stringify(argv) !== JSON.stringify(EVACUATE)) return undefined;
      status = 'Evacuated';
      return {};
    });
    const incus = createIncus(host);
    expect(await incus.evacuateMember('n3')).toEqual({ type: 'evacuated' });
    expect(await incus.evacuateMember('n3')).toEqual({ type: 'already evacuated' });
    expect(host.calls.filter(({ argv }) => argv[2] === 'evacuate')).toHaveLength(1);
  });

  it('under way is left to the server', async () => {
    const host = scripted([LIST, cluster('Evacuating')]);
    expect(await createIncus(host).evacuateMember('n3')).toEqual({ type: 'in progress', status: 'Evacuating' });
  });

  it.each([
    ['Evacuating', { type: 'in progress', status: 'Evacuating' }],
    ['Evacuated', { type: 'already evacuated' }],
  ])('by somebody else in the same moment is seen by its status %s', async (after, expected) => {
    const raced = refusal('Error: Cluster member is already in requested state');
    const host = scripted([LIST, cluster('Online')], [EVACUATE, raced], [LIST, cluster(after)]);
    expect(await createIncus(host).evacuateMember('n3')).toEqual(expected);
  });

  it('that answers 0 having done nothing is unexpected', async () => {
    const host = scripted([LIST, cluster('Online')], [EVACUATE, {}], [LIST, cluster('Online')]);
    expect(await createIncus(host).evacuateMember('n3')).toMatchObject({ type: 'unexpected' });
  });

  it('with an unknown text is unexpected', async () => {
    const host = scripted([LIST, cluster('Online')], [EVACUATE, refusal('Error: Failed to evacuate: boom')]);
    expect(await createIncus(host).evacuateMember('n3')).toMatchObject({
      type: 'unexpected',
      exitCode: 1,
      output: 'Error: Failed to evacuate: boom',
    });
  });

  it.each(['--force', 'n9', '', '; rm -rf /'])(
    'named %j, which the cluster does not know, runs nothing',
    async (name) => {
      const host = scripted([LIST, cluster('Online')]);
      expect(await createIncus(host).evacuateMember(name)).toMatchObject({ type: 'not found' });
    },
  );
});

describe('restoring a member', () => {
  it('that has just booted is under way until the others have heard of it', async () => {
    const host = scripted([LIST, cluster('Evacuated')], [RESTORE, {}], [LIST, cluster('Offline')]);
    expect(await createIncus(host).restoreMember('n3')).toEqual({ type: 'in progress', status: 'Offline' });
    const again = scripted([LIST, cluster('Offline')]);
    expect(await createIncus(again).restoreMember('n3')).toEqual({ type: 'in progress', status: 'Offline' });
  });

  it('takes it back and verifies that it is online', async () => {
    const host = scripted([LIST, cluster('Evacuated')], [RESTORE, {}], [LIST, cluster('Online')]);
    expect(await createIncus(host).restoreMember('n3')).toEqual({ type: 'restored' });
  });

  it('that is online changes nothing', async () => {
    expect(await createIncus(scripted([LIST, cluster('Online')])).restoreMember('n3')).toEqual({
      type: 'already restored',
    });
  });

  it('that is powered off says so', async () => {
    const away = refusal('Error: Missing event connection with target cluster member');
    const host = scripted([LIST, cluster('Evacuated')], [RESTORE, away]);
    expect(await createIncus(host).restoreMember('n3')).toMatchObject({ type: 'member offline' });
  });
});

describe('waiting for the daemon', () => {
  const argv = ['incus', 'admin', 'waitready', '--timeout=90'];

  it('tells the daemon how long, and gives it that long', async () => {
    const host = scripted([argv, {}]);
    expect(await createIncus(host).waitReady(90_000)).toEqual({ type: 'ready' });
    expect(host.calls[0]?.options.timeoutMs).toBeGreaterThan(90_000);
  });

  it('in vain is not ready', async () => {
    const host = scripted([
      argv,
      refusal('Error: Daemon still not running after 90s timeout (dial unix: no such file)'),
    ]);
    expect(await createIncus(host).waitReady(90_000)).toMatchObject({ type: 'not ready' });
  });
});
