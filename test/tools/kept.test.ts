import { describe, expect, it } from '@jest/globals';
import { HostError } from '../../hosts/host.ts';
import { createKeptFolders } from '../../tools/kept-folders.ts';
import { foreignInDataset, foreignInFolder } from '../../tools/pool-place.ts';
import { createZfsKept } from '../../tools/zfs-kept.ts';
import { fakeHost, refusal, scripted } from './fake-host.ts';

const PROPERTIES = 'runbook:kept,runbook:kept-from,runbook:kept-at,runbook:kept-why,runbook:rejoin';
const GET = ['zfs', 'get', '-Hp', '-s', 'local', '-o', 'name,property,value', '-t', 'filesystem,volume', PROPERTIES];
const LIST = [
  ...['zfs', 'list', '-Hp', '-t', 'filesystem,volume,snapshot', '-r'],
  ...['-o', 'name,type,used,mounted,clones,userrefs', 'tank/old'],
];
const FIND = [
  ...['find', '/var/lib/runbook/set-aside', '-mindepth', '1', '-maxdepth', '1', '-type', 'd'],
  ...['-printf', '%f\\t%T@\\n'],
];

describe('datasets that are kept', () => {
  it('are those with a mark of their own, whatever their reason holds', async () => {
    const host = scripted([
      GET,
      {
        stdout:
          'tank/old\trunbook:kept\trun\ntank/old\trunbook:kept-why\ta\tb\ntank/other\trunbook:kept-from\ttank/x\n' +
          'tank/old\trunbook:kept-at\t2026-11-27T00:00:00Z\n',
      },
    ]);
    expect(await createZfsKept(host).kept()).toEqual({
      type: 'kept',
      datasets: [{ name: 'tank/old', run: 'run', at: '2026-11-27T00:00:00Z', why: 'a\tb' }],
    });
  });

  it('are none on a host without ZFS', async () => {
    for (const answer of [new HostError('NotRun', 'n1', 'zfs: not found'), refusal('zfs: not found', 127)])
      expect(await createZfsKept(fakeHost(() => answer)).kept()).toEqual({ type: 'kept', datasets: [] });
  });

  it('are looked at with all that is below them', async () => {
    const stdout =
      'tank/old\tfilesystem\t4096\tyes\t-\t-\ntank/old@a\tsnapshot\t0\t-\ttank/x,tank/y\t2\ntank/old/v\tvolume\t1\t-\t-\t-\n';
    expect(await createZfsKept(scripted([LIST, { stdout }])).parts('tank/old')).toEqual({
      type: 'parts',
      parts: [
        { name: 'tank/old', type: 'filesystem', usedBytes: 4096, isMounted: true, clones: [], holds: 0 },
        {
          name: 'tank/old@a',
          type: 'snapshot',
          usedBytes: 0,
          isMounted: false,
          clones: ['tank/x', 'tank/y'],
          holds: 2,
        },
        { name: 'tank/old/v', type: 'volume', usedBytes: 1, isMounted: false, clones: [], holds: 0 },
      ],
    });
    expect(
      await createZfsKept(scripted([LIST, { stdout: 'tank/old\tbookmark\t0\t-\t-\t-\n' }])).parts('tank/old'),
    ).toMatchObject({
      type: 'unexpected',
    });
    const gone = refusal("cannot open 'tank/old': dataset does not exist");
    expect(await createZfsKept(scripted([LIST, gone])).parts('tank/old')).toEqual({ type: 'none' });
  });

  it('are destroyed by that name alone, and a pool never', async () => {
    const host = scripted([['zfs', 'destroy', '-r', 'tank/old'], {}]);
    expect(await createZfsKept(host).destroy('tank/old')).toEqual({ type: 'destroyed' });
    const untold = fakeHost(() => undefined);
    for (const name of ['tank', '-r', 'tank/', '/tank/old', 'tank/old@a', 'tank/old#b', 'tank/o ld', 'tank//old', ''])
      await expect(createZfsKept(untold).destroy(name)).rejects.toThrow(TypeError);
    expect(untold.calls).toEqual([]);
  });

  it('are not destroyed while somebody uses them', async () => {
    const busy = refusal("cannot destroy 'tank/old': pool or dataset is busy");
    const host = scripted([['zfs', 'destroy', '-r', 'tank/old'], busy]);
    expect(await createZfsKept(host).destroy('tank/old')).toMatchObject({ type: 'busy' });
  });
});

describe('folders that are kept', () => {
  it('are none where none was ever set aside', async () => {
    const answer = refusal('find: ‘/var/lib/runbook/set-aside’: No such file or directory');
    expect(await createKeptFolders(scripted([FIND, answer])).list()).toEqual({ type: 'folders', folders: [] });
  });

  it('are removed one by one, and nothing beside them', async () => {
    const untold = fakeHost(() => undefined);
    for (const name of ['', '.', '..', 'a/b', '../x', '-rf', 'a b'])
      await expect(createKeptFolders(untold).remove(name)).rejects.toThrow(TypeError);
    expect(untold.calls).toEqual([]);
  });
});

describe('what is in the place of a pool beside Incus’s own', () => {
  const find = (path: string): string[] => ['find', path, '-mindepth', '1', '-maxdepth', '1', '-printf', '%f\\n'];
  const list = ['zfs', 'list', '-Hp', '-t', 'all', '-r', '-o', 'name', 'tank/incus'];

  it('is whatever is in a folder, and what is in Incus’s folders', async () => {
    const host = scripted(
      [find('/data/incus'), { stdout: 'images\nphotos\n' }],
      [find('/data/incus/images'), { stdout: 'x\n' }],
    );
    expect(await foreignInFolder(host, '/data/incus')).toEqual({ type: 'place', foreign: ['photos', 'images/x'] });
  });

  it('is whatever dataset or snapshot is not Incus’s, but for images', async () => {
    const own = ['', '/images', '/images/ab', '/images/ab@readonly', '/deleted', '/deleted/images/cd', '/custom'];
    const foreign = ['tank/incus@mine', 'tank/incus/photos', 'tank/incus/containers/g1', 'tank/incus/custom@mine'];
    const stdout = [...own.map((each) => `tank/incus${each}`), ...foreign].map((name) => `${name}\n`).join('');
    expect(await foreignInDataset(scripted([list, { stdout }]), 'tank/incus')).toEqual({ type: 'place', foreign });
    const gone = refusal("cannot open 'tank/incus': dataset does not exist");
    expect(await foreignInDataset(scripted([list, gone]), 'tank/incus')).toEqual({ type: 'none' });
  });
});
