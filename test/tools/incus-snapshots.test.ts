import { describe, expect, it } from '@jest/globals';
import { createIncus } from '../../tools/incus.ts';
import { fakeHost, json, refusal, scripted, type Answer } from './fake-host.ts';

const query = (method: string, path: string, body?: object) => [
  ...['incus', 'query', '-X', method, '--wait'],
  ...(body === undefined ? [] : ['-d', JSON.stringify(body)]),
  path,
];
const expiresAt = '2026-12-01T00:00:00Z';
const snapshot = { project: 'default', instance: 'c1', snapshot: 'runbook-1' };
const volumeSnapshot = { project: 'default', pool: 'zpool', volume: 'v1', member: 'n2', snapshot: 'runbook-1' };
const state = ['incus', 'query', '/1.0/instances/c1/state?project=default'];

describe('a snapshot of an instance', () => {
  const create = query('POST', '/1.0/instances/c1/snapshots?project=default', {
    name: 'runbook-1',
    expires_at: expiresAt,
  });

  it('is created with its expiry through the API', async () => {
    expect(await createIncus(scripted([create, {}])).createInstanceSnapshot({ ...snapshot, expiresAt })).toEqual({
      type: 'created',
    });
  });

  it('is there already when it is created again', async () => {
    const made = new Set<string>();
    const host = fakeHost((argv) => {
      if (JSON.stringify(argv) !== JSON.stringify(create)) return undefined;
      if (made.has('runbook-1')) return refusal('Error: Snapshot "runbook-1" already exists');
      made.add('runbook-1');
      return {};
    });
    const incus = createIncus(host);
    expect(await incus.createInstanceSnapshot({ ...snapshot, expiresAt })).toEqual({ type: 'created' });
    expect(await incus.createInstanceSnapshot({ ...snapshot, expiresAt })).toEqual({ type: 'already there' });
  });

  it.each([
    'Error: Failed creating instance snapshot record "r": Add snapshot info to the database: Failed to create "instances_snapshots" entry: UNIQUE constraint failed: instances_snapshots.instance_id, instances_snapshots.name',
    'Error: Failed creating instance snapshot record "r": Add snapshot info to the database: This "Instance_snapshot" entry already exists',
  ])('is there already in the words of another version: %s', async (text) => {
    const incus = createIncus(scripted([create, refusal(text)]));
    expect(await incus.createInstanceSnapshot({ ...snapshot, expiresAt })).toEqual({ type: 'already there' });
  });

  it.each([
    ['Error: Instance is busy running a "restore" operation', 'busy'],
    ['Error: Instance not found', 'not found'],
    ['Error: unknown flag: --expiry', 'unexpected'],
  ])('that fails with %j is %s', async (text, type) => {
    const incus = createIncus(scripted([create, refusal(text)]));
    expect(await incus.createInstanceSnapshot({ ...snapshot, expiresAt })).toMatchObject({ type });
  });

  it('is listed with its expiry, where it has one', async () => {
    const argv = ['incus', 'query', '/1.0/instances/c1/snapshots?recursion=1&project=default'];
    const listed = [
      { name: 'runbook-1', created_at: '2026-11-24T00:00:00Z', expires_at: expiresAt, stateful: false },
      { name: 'by-hand', created_at: '2026-11-23T00:00:00Z', expires_at: '0001-01-01T00:00:00Z', stateful: false },
    ];
    expect(await createIncus(scripted([argv, json(listed)])).instanceSnapshots('default', 'c1')).toEqual({
      type: 'snapshots',
      snapshots: [
        { name: 'runbook-1', created: '2026-11-24T00:00:00Z', expires: expiresAt },
        { name: 'by-hand', created: '2026-11-23T00:00:00Z' },
      ],
    });
  });

  it.each([
    [{}, 'deleted'],
    [refusal('Error: Instance_snapshot not found'), 'already gone'],
    [refusal("Error: Failed to run: zfs destroy x: cannot destroy snapshot z/c1@snapshot-a: it's being held"), 'held'],
    [refusal('Error: Instance not found'), 'not found'],
    [refusal('Error: Snapshot is shy'), 'unexpected'],
  ])('deleted with the answer %j is %s', async (answer: Answer, type) => {
    const argv = query('DELETE', '/1.0/instances/c1/snapshots/runbook-1?project=default');
    expect(await createIncus(scripted([argv, answer])).deleteInstanceSnapshot(snapshot)).toMatchObject({ type });
  });
});

describe('restoring an instance', () => {
  const restore = query('PUT', '/1.0/instances/c1?project=default', { restore: 'runbook-1' });
  const stopped = json({ status: 'Stopped', processes: 0, pid: 0 });

  it('brings the snapshot back', async () => {
    expect(await createIncus(scripted([restore, {}])).restoreInstanceSnapshot(snapshot)).toEqual({ type: 'restored' });
  });

  it.each([
    [
      'Error: Snapshot "s1" cannot be restored due to subsequent internal snapshot(s) (from a copy)',
      'newer snapshot outside Incus',
    ],
    [
      'Error: Snapshot "s1" cannot be restored due to subsequent snapshot(s). Set zfs.remove_snapshots to override',
      'newer snapshot',
    ],
    [
      "Error: Failed to run: zfs rollback z/c1@snapshot-s1: exit status 1 (cannot rollback to 'z/c1@snapshot-s1': more recent snapshots or bookmarks exist",
      'newer bookmark',
    ],
  ])('blocked by %j says by what, and that the instance was left stopped', async (text, by) => {
    const host = scripted([restore, refusal(text)], [state, stopped]);
    expect(await createIncus(host).restoreInstanceSnapshot(snapshot)).toEqual({
      type: 'blocked',
      by,
      message: text.slice('Error: '.length),
      instanceStatus: 'Stopped',
    });
  });

  it('from a snapshot that is not there is not found', async () => {
    const missing = refusal('Error: Snapshot c1/runbook-1 does not exist');
    const host = scripted([restore, missing], [state, json({ status: 'Running', processes: 3, pid: 1 })]);
    expect(await createIncus(host).restoreInstanceSnapshot(snapshot)).toMatchObject({
      type: 'not found',
      instanceStatus: 'Running',
    });
  });

  it('reports the failure even where the state cannot be read after it', async () => {
    const host = scripted([restore, refusal('Error: boom')], [state, refusal('Error: Instance not found')]);
    const answer = await createIncus(host).restoreInstanceSnapshot(snapshot);
    expect(answer).toMatchObject({ type: 'unexpected', output: 'Error: boom' });
    expect(answer).not.toHaveProperty('instanceStatus');
  });
});

describe('a snapshot of a custom volume', () => {
  const base = '/1.0/storage-pools/zpool/volumes/custom/v1';

  it.each([
    [{}, 'created'],
    [refusal('Error: Snapshot "runbook-1" already in use'), 'already there'],
    [refusal('Error: Storage pool volume not found'), 'not found'],
  ])('created on its member with the answer %j is %s', async (answer: Answer, type) => {
    const body = { name: 'runbook-1', expires_at: expiresAt };
    const argv = query('POST', `${base}/snapshots?project=default&target=n2`, body);
    const incus = createIncus(scripted([argv, answer]));
    expect(await incus.createVolumeSnapshot({ ...volumeSnapshot, expiresAt })).toMatchObject({ type });
  });

  it('is listed without the name of its volume', async () => {
    const argv = ['incus', 'query', `${base}/snapshots?recursion=1&project=default&target=n2`];
    const host = scripted([
      argv,
      json([{ name: 'v1/runbook-1', created_at: '2026-11-24T00:00:00Z', expires_at: null }]),
    ]);
    expect(await createIncus(host).volumeSnapshots(volumeSnapshot)).toEqual({
      type: 'snapshots',
      snapshots: [{ name: 'runbook-1', created: '2026-11-24T00:00:00Z' }],
    });
  });

  it('is gone already when it is deleted twice', async () => {
    const argv = query('DELETE', `${base}/snapshots/runbook-1?project=default&target=n2`);
    const gone = refusal('Error: Storage pool volume snapshot not found');
    const incus = createIncus(scripted([argv, {}], [argv, gone]));
    expect(await incus.deleteVolumeSnapshot(volumeSnapshot)).toEqual({ type: 'deleted' });
    expect(await incus.deleteVolumeSnapshot(volumeSnapshot)).toEqual({ type: 'already gone' });
  });

  it.each([
    [{}, 'restored'],
    [refusal('Error: Cannot restore custom volume used by running instances'), 'in use'],
    [refusal('Error: Snapshot "runbook-1" cannot be restored due to subsequent snapshot(s). Set zfs…'), 'blocked'],
  ])('restored with the answer %j is %s', async (answer: Answer, type) => {
    const argv = query('PUT', `${base}?project=default&target=n2`, { restore: 'runbook-1' });
    expect(await createIncus(scripted([argv, answer])).restoreVolumeSnapshot(volumeSnapshot)).toMatchObject({ type });
  });
});

describe('storage', () => {
  it('has a source per member', async () => {
    const argv = ['incus', 'query', '/1.0/storage-pools/local?target=n1'];
    const raw = {
      name: 'local',
      driver: 'zfs',
      status: 'Created',
      config: { source: 'tank/incus' },
      locations: ['n1'],
    };
    expect(await createIncus(scripted([argv, json(raw)])).pool('local', 'n1')).toEqual({
      type: 'pool',
      name: 'local',
      driver: 'zfs',
      dataset: 'tank/incus',
      status: 'Created',
      members: ['n1'],
      source: 'tank/incus',
    });
  });

  it('has its space in bytes, and 0 used where Incus leaves it out', async () => {
    const argv = ['incus', 'query', '/1.0/storage-pools/local/resources?target=n1'];
    const host = scripted([argv, json({ space: { total: 1000 }, inodes: { used: 1, total: 2 } })]);
    expect(await createIncus(host).poolSpace('local', 'n1')).toEqual({ type: 'space', used: 0, total: 1000 });
  });

  it('lists custom volumes with their member, and not their snapshots', async () => {
    const argv = ['incus', 'query', '/1.0/storage-pools/local/volumes/custom?recursion=1&project=default'];
    const raw = {
      type: 'custom',
      content_type: 'filesystem',
      location: 'n1',
      project: 'default',
      config: { 'user.a': 'b' },
    };
    const host = scripted([
      argv,
      json([
        { ...raw, name: 'edge-data' },
        { ...raw, name: 'edge-data/s1' },
      ]),
    ]);
    expect(await createIncus(host).volumes('local', { project: 'default' })).toEqual({
      type: 'volumes',
      volumes: [
        {
          ...{ name: 'edge-data', project: 'default', location: 'n1', contentType: 'filesystem' },
          config: { 'user.a': 'b' },
        },
      ],
    });
  });
});
