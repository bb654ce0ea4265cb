import { describe, expect, it } from '@jest/globals';
import { zfsInventory } from '../../tools/zfs-inventory.ts';
import { createZfsReplication } from '../../tools/zfs-replication.ts';
import { createZfsResume } from '../../tools/zfs-resume.ts';
import { estimateTransfer } from '../../tools/zfs-transfer.ts';
import { fakeHost, refusal, scripted } from './fake-host.ts';

const list = (types: string, columns: string): string[] => [
  'zfs',
  'list',
  '-Hp',
  '-r',
  '-t',
  types,
  '-o',
  columns,
  'tank',
];
const POINTS = list('snapshot,bookmark', 'name,guid,createtxg');
const DATASETS = list(
  'filesystem,volume',
  'name,type,encryption,keystatus,readonly,mounted,used,written,receive_resume_token',
);

describe('the inventory', () => {
  it('is two commands, in the order in which things were made, without losing a digit', async () => {
    const host = scripted(
      [POINTS, { stdout: 'tank/a b@two\t18446744073709551615\t100\ntank/a b@one\t2\t99\ntank/a b#mark\t1\t7\n' }],
      [
        DATASETS,
        {
          stdout:
            'tank\tfilesystem\toff\t-\toff\tyes\t10\t1\t-\n' +
            'tank/a b\tvolume\taes-256-gcm\tunavailable\ton\t-\t20\t0\t1-ab\n',
        },
      ],
    );
    const nothing = { snapshots: [], bookmarks: [] };
    expect(await zfsInventory(host, 'tank')).toEqual({
      type: 'inventory',
      datasets: [
        {
          ...{ name: 'tank', kind: 'filesystem', encrypted: false, keyLoaded: true, usedBytes: 10, writtenBytes: 1 },
          ...{ readonly: false, mounted: true, ...nothing },
        },
        {
          ...{ name: 'tank/a b', kind: 'volume', encrypted: true, keyLoaded: false, usedBytes: 20, writtenBytes: 0 },
          ...{ readonly: true, mounted: false, token: '1-ab' },
          snapshots: [
            { name: 'one', guid: '2', createtxg: '99' },
            { name: 'two', guid: '18446744073709551615', createtxg: '100' },
          ],
          bookmarks: [{ name: 'mark', guid: '1', createtxg: '7' }],
        },
      ],
    });
  });

  it('is none where the list was cut, or has other columns', async () => {
    expect(
      await zfsInventory(
        fakeHost(() => ({ truncated: true })),
        'tank',
      ),
    ).toMatchObject({ type: 'unexpected' });
    expect(
      await zfsInventory(
        fakeHost(() => ({ stdout: 'tank@one\t-\t-\n' })),
        'tank',
      ),
    ).toMatchObject({
      type: 'unexpected',
    });
  });

  it('takes no name that is something else', async () => {
    for (const name of ['-r', 'tank@one', 'tank\tx', ''])
      await expect(
        zfsInventory(
          fakeHost(() => ({})),
          name,
        ),
      ).rejects.toThrow(TypeError);
  });
});

describe('snapshots of which some can’t go', () => {
  const destroy = (names: string): string[] => ['zfs', 'destroy', `tank/a@${names}`];
  const held = (name: string): string =>
    `cannot destroy snapshot tank/a@${name}: it's being held. Run 'zfs holds -r tank/a@${name}' to see holders.`;

  it('stay, and the others go', async () => {
    const cloned = "cannot destroy 'tank/a@three': snapshot has dependent clones\nuse '-R' to destroy …:\ntank/clone";
    const host = scripted(
      [destroy('one,two,three,four'), refusal(cloned)],
      [destroy('one,two,four'), refusal(`${held('one')}\n${held('four')}`)],
      [destroy('two'), {}],
    );
    const answer = await createZfsReplication(host).destroySnapshots('tank/a', ['one', 'two', 'three', 'four']);
    expect(answer).toMatchObject({
      type: 'destroyed',
      destroyed: ['two'],
      kept: [
        { name: 'three', why: 'has clones' },
        { name: 'one', why: 'held' },
        { name: 'four', why: 'held' },
      ],
    });
  });

  it('are tried alone where ZFS names none of them', async () => {
    const busy = 'cannot destroy snapshots: pool or dataset is busy';
    const host = scripted([destroy('one,two'), refusal(busy)], [destroy('one'), refusal(busy)], [destroy('two'), {}]);
    expect(await createZfsReplication(host).destroySnapshots('tank/a', ['one', 'two'])).toEqual({
      ...{ type: 'destroyed', destroyed: ['two'] },
      kept: [{ name: 'one', why: 'busy', message: busy }],
    });
  });

  it('are as good as destroyed where they are not there', async () => {
    const gone = refusal('could not find any snapshots to destroy; check snapshot names.');
    const host = scripted([destroy('one'), gone]);
    expect(await createZfsReplication(host).destroySnapshots('tank/a', ['one'])).toEqual({
      ...{ type: 'destroyed', destroyed: ['one'], kept: [] },
    });
  });

  it('are asked for a hundred at a time', async () => {
    const host = fakeHost(() => ({}));
    await createZfsReplication(host).destroySnapshots(
      'tank/a',
      Array.from({ length: 250 }, (_, i) => `s${i}`),
    );
    expect(host.calls).toHaveLength(3);
  });
});

describe('holds', () => {
  const hold = ['zfs', 'hold', 'runbook:x', 'tank/a@one', 'tank/a@two', 'tank/b@one'];
  const snapshots = ['tank/a@one', 'tank/a@two', 'tank/b@one'];

  it('are there afterwards, whether they were or not; what is missing is named', async () => {
    const said = [
      "cannot hold snapshot 'tank/a@one': tag already exists on this dataset",
      "cannot hold snapshot 'tank/a@two': dataset does not exist",
      "cannot open 'tank/b': dataset does not exist",
    ].join('\n');
    expect(await createZfsReplication(scripted([hold, refusal(said)])).hold('runbook:x', snapshots)).toEqual({
      ...{ type: 'held', missing: ['tank/a@two', 'tank/b@one'] },
    });
  });

  it('are not claimed where ZFS says something else as well', async () => {
    const said =
      "cannot hold snapshot 'tank/a@one': tag already exists on this dataset\ncannot hold: permission denied";
    const answer = await createZfsReplication(scripted([hold, refusal(said)])).hold('runbook:x', snapshots);
    expect(answer.type).toBe('unexpected');
  });
});

describe('the root of replicas', () => {
  it('is made with the parents that it lacks', async () => {
    const create = (dataset: string): string[] => [
      ...['zfs', 'create', '-o', 'canmount=off', '-o', 'mountpoint=none', '-o', 'readonly=on', dataset],
    ];
    const orphan = refusal("cannot create 'tank/a/b': parent does not exist");
    const host = scripted([create('tank/a/b'), orphan], [create('tank/a'), {}], [create('tank/a/b'), {}]);
    expect(await createZfsReplication(host).createParents('tank/a/b')).toEqual({ type: 'created' });
  });
});

describe('a token', () => {
  const contents = `resume token contents:
nvlist version: 0
\tobject = 0x2
\tbytes = 0x186a0
\ttoguid = 0xffffffffffffffff
\ttoname = tank/a b@one two
\tfromguid = 0x10
\tcompressok = 1
\trawok = 1
`;
  it('is read whether or not the sender can go on', async () => {
    for (const exitCode of [0, 255]) {
      const answer = await createZfsResume(fakeHost(() => ({ stdout: contents, exitCode }))).readToken('1-ab');
      expect(answer).toEqual({
        ...{ type: 'token', token: '1-ab', toGuid: '18446744073709551615', toName: 'tank/a b@one two', fromGuid: '16' },
        ...{ bytes: 100_000, raw: true, compressed: true, largeBlocks: false, embedded: false },
        sendable: exitCode === 0,
      });
    }
  });

  it('that is none is not passed on', async () => {
    const host = fakeHost(() => undefined);
    expect(await createZfsResume(host).readToken('-R; x')).toMatchObject({ type: 'unreadable' });
  });
});

describe('an estimate', () => {
  const transfer = {
    source: 'tank/a',
    to: { name: 'one' },
    flags: { raw: false, compressed: true, largeBlocks: true },
  };
  it.each([
    ['full\ttank/a@one\t12624\nsize\t12624\n', { type: 'size', bytes: 12_624 }],
    ['full\ttank/a@one\n', { type: 'unknown' }],
    ['full\ttank/a@one\t0\nsize\t18446744073709551615\n', { type: 'unknown' }],
  ])('of %j is what can be believed', async (stdout, expected) => {
    const host = scripted([['zfs', 'send', '-nvP', '-L', '-c', 'tank/a@one'], { stdout }]);
    expect(await estimateTransfer(host, transfer)).toEqual(expected);
  });
});
