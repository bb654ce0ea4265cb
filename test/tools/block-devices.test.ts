import { describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import type { Host, RunResult } from '../../hosts/host.ts';
import { createDisks } from '../../tools/block-devices.ts';
import { diskLayout } from '../../tools/disk-layout.ts';
import { operatingSystem } from '../../tools/os-release.ts';

const answering = (answer: Partial<RunResult>): Host =>
  ({
    name: 'n1',
    run: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '', durationMs: 1, truncated: false, ...answer }),
  }) as unknown as Host;
const lsblk = (blockdevices: unknown) => createDisks(answering({ stdout: JSON.stringify({ blockdevices }) })).list();

describe('disks', () => {
  it('reads the real lsblk of this machine', async () => {
    const local = createLocalHost({ stateDir: '/nonexistent' });
    expect((await createDisks(local).list()).type).toBe('devices');
  });

  it('reads sizes as numbers and as text, leaves out what is empty, and keeps the tree', async () => {
    const listed = await lsblk([
      {
        path: '/dev/sda',
        type: 'disk',
        size: '512',
        model: 'A ',
        serial: null,
        children: [{ path: '/dev/sda1', type: 'part', size: 256, fstype: 'zfs_member', label: 'tank' }],
      },
    ]);
    expect(listed).toEqual({
      type: 'devices',
      devices: [
        {
          ...{ path: '/dev/sda', type: 'disk', model: 'A', sizeBytes: 512 },
          children: [
            { path: '/dev/sda1', type: 'part', fstype: 'zfs_member', label: 'tank', sizeBytes: 256, children: [] },
          ],
        },
      ],
    });
  });

  it('takes the colours out of what a disk says of itself', async () => {
    const listed = await lsblk([{ path: '/dev/sda', type: 'disk', size: 1, model: '\u001b[31mX\n\u202eY' }]);
    expect(JSON.stringify(listed)).not.toMatch(/\\u001b|\\n|\u202e/);
  });

  it.each([
    [{}],
    ['x'],
    [[{ path: 'sda', type: 'disk', size: 1 }]],
    [[{ path: '/dev/sda', type: 'disk' }]],
    [[{ path: '/dev/sda', type: 'disk', size: 1, children: [{}] }]],
  ])('does not guess at %j', async (hostile) => {
    expect((await lsblk(hostile)).type).toBe('unexpected');
  });

  it('tells a path that leads nowhere from one that leads to a device', async () => {
    const local = createDisks(createLocalHost({ stateDir: '/nonexistent' }));
    expect(await local.resolve('/dev/disk/by-id/nope')).toEqual({ type: 'missing' });
    expect(await local.resolve('/dev/null')).toEqual({ type: 'path', path: '/dev/null' });
    await expect(local.resolve('-e')).rejects.toThrow(TypeError);
  });

  it.each<[Partial<RunResult>, object]>([
    [{ stdout: "    version: 5000\n    name: 'tank'\n    pool_guid: 1\n" }, { type: 'label', pools: ['tank'] }],
    [
      { exitCode: 2, stdout: "failed to unpack label 0\n    name: 'tank'\n" },
      { type: 'label', pools: ['tank'] },
    ],
    [{ stdout: '    version: 5000\n    state: 4\n    guid: 12\n' }, { type: 'label', pools: [] }],
    [{ exitCode: 2, stdout: 'failed to unpack label 0\nfailed to unpack label 1\n' }, { type: 'none' }],
    [{ exitCode: 127 }, { type: 'no zdb' }],
    [{ exitCode: 1, stderr: "cannot open '/dev/sdz'\n" }, { type: 'unexpected' }],
  ])('reads the labels of ZFS in %j', async (answer, expected) => {
    expect(await createDisks(answering(answer)).zfsLabel('/dev/sda')).toMatchObject(expected);
  });
});

describe('the disk layout', () => {
  it.each<[Partial<RunResult>, object]>([
    [
      { stdout: '{"main":"/dev/disk/by-id/x"}' },
      { type: 'devices', devices: [{ name: 'main', device: '/dev/disk/by-id/x' }] },
    ],
    [{ stdout: '{}' }, { type: 'devices', devices: [] }],
    [{ stdout: '{"main":null}' }, { type: 'unexpected' }],
    [{ stdout: '[]' }, { type: 'unexpected' }],
    [
      { exitCode: 1, stderr: "warning: dirty\nerror: attribute 'device' missing\n" },
      { type: 'not evaluated', log: "error: attribute 'device' missing" },
    ],
    [{ exitCode: 1, stderr: 'out of memory' }, { type: 'unexpected' }],
  ])('reads %j', async (answer, expected) => {
    expect(await diskLayout(answering(answer), { flakeRef: 'git+file:///r', attribute: 'a' })).toMatchObject(expected);
  });
});

describe('the operating system', () => {
  it.each<[Partial<RunResult>, object]>([
    [
      { stdout: 'ID=nixos\nVARIANT_ID=installer\nPRETTY_NAME="NixOS 25.05"\n' },
      { id: 'nixos', isInstaller: true, name: 'NixOS 25.05' },
    ],
    [{ stdout: 'ID="nixos"\nVARIANT_ID="installer"\n' }, { isInstaller: true }],
    [{ stdout: 'ID=nixos\nVARIANT_ID=installer-not\n' }, { isInstaller: false }],
    [{ stdout: 'ID=nixos\nVARIANT_ID=""\n' }, { isInstaller: false }],
    [{ stdout: 'ID=debian\nVARIANT_ID=installer\n' }, { id: 'debian', isInstaller: false }],
    [{ stdout: '#ID=nixos\n' }, { type: 'unknown' }],
    [{ exitCode: 1, stderr: 'cat: /etc/os-release: No such file or directory\n' }, { type: 'unknown' }],
    [{ exitCode: 1, stderr: 'cat: /etc/os-release: Input/output error\n' }, { type: 'unexpected' }],
  ])('is read from %j', async (answer, expected) => {
    expect(await operatingSystem(answering(answer))).toMatchObject(expected);
  });
});
