import { describe, expect, it } from '@jest/globals';
import type { SystemState } from '../../plan/observation.ts';
import type { DiskState, LabelState } from '../../plan/reinstall-disks.ts';
import {
  planReinstall,
  reinstallQuestion,
  type HostState,
  type ReinstallObservation,
  type ReinstallScope,
} from '../../plan/reinstall.ts';

const SCOPE: ReinstallScope = {
  member: 'nuc-1',
  command: ['nixos-anywhere', '--flake', '.#nuc-1'],
  layout: 'nixosConfigurations."nuc-1".config.disko.devices.disk',
  zpools: ['tank'],
  ownHostKey: false,
  approvalTimeout: '1h',
};

const device = (path: string, more: Partial<DiskState> = {}): DiskState => ({
  ...{ path, type: 'disk', sizeBytes: 500e9, children: [] },
  ...more,
});
const part = (path: string, more: Partial<DiskState> = {}): DiskState => device(path, { type: 'part', ...more });
const zfs = (path: string, label?: string): DiskState =>
  part(path, { fstype: 'zfs_member', ...(label === undefined ? {} : { label }) });
const ROOT = device('/dev/sda', {
  ...{ model: 'Samsung SSD', serial: 'S1' },
  children: [part('/dev/sda1', { fstype: 'vfat', label: 'BOOT' }), part('/dev/sda2', { fstype: 'ext4' })],
});
const DATA = device('/dev/sdb', { serial: 'S2', children: [zfs('/dev/sdb1', 'tank'), part('/dev/sdb9')] });

interface Case {
  disks?: DiskState[];
  /** Where each device of the layout leads; undefined: nowhere. */
  layout?: (string | undefined)[];
  labels?: LabelState[];
  zdb?: boolean;
}
const seen = ({
  disks = [ROOT, DATA],
  layout = ['/dev/sda'],
  labels = [],
  zdb = true,
}: Case): ReinstallObservation => ({
  host: { type: 'installer', bootId: 'b1', name: 'NixOS 25.05', disks, labels, zdb },
  layout: {
    type: 'devices',
    devices: layout.map((path, at) => ({
      ...{ name: `d${at}`, device: `/dev/disk/by-id/d${at}` },
      ...(path === undefined ? {} : { path }),
    })),
  },
});
const plan = (it: Case, scope = SCOPE) => planReinstall(scope, seen(it));
const refusals = (it: Case, scope = SCOPE): string[] => plan(it, scope).refusals.map(({ name }) => name);

describe('installing a member anew', () => {
  it('erases the disk of the layout and keeps the data pool', () => {
    const { mode, refusals: none, erased, kept, gates } = plan({});
    expect({ mode, none }).toEqual({ mode: 'install', none: [] });
    expect(erased).toEqual([
      {
        path: '/dev/sda',
        identity: '/dev/sda Samsung SSD S1  500000000000',
        what: 'Samsung SSD, serial S1, 500 GB: vfat "BOOT" on /dev/sda1, ext4 on /dev/sda2',
      },
    ]);
    expect(kept).toEqual(['/dev/sdb (serial S2, 500 GB: ZFS "tank" on /dev/sdb1)']);
    expect(gates.map(({ message }) => message)).toContain('The data pool tank stays, on /dev/sdb.');
  });

  it('says in the question what is lost and what stays', () => {
    const { question, consequences } = reinstallQuestion(SCOPE, plan({}));
    expect(question).toBe('Install nuc-1 anew, and erase /dev/sda?');
    expect(consequences.join('\n')).toMatch(/Erased, for good: \/dev\/sda \(Samsung SSD, .*\nStays: \/dev\/sdb /);
  });

  const nvme = device('/dev/nvme0n1', { children: [part('/dev/nvme0n1p1'), zfs('/dev/nvme0n1p2', 'tank')] });
  const md = device('/dev/md0', { type: 'raid1', children: [zfs('/dev/md0p1', 'tank')] });
  const lun = (path: string): DiskState =>
    device(path, {
      wwn: '0x5000',
      children: [device('/dev/mapper/mpatha', { type: 'mpath', fstype: 'zfs_member', label: 'tank' })],
    });
  const crypt = device('/dev/sdc', {
    children: [
      part('/dev/sdc1', {
        fstype: 'crypto_LUKS',
        children: [device('/dev/mapper/data', { type: 'crypt', fstype: 'zfs_member', label: 'tank' })],
      }),
    ],
  });
  it.each<[string, Case]>([
    ['a disk of the data pool', { layout: ['/dev/sdb'] }],
    ['a partition of it', { layout: ['/dev/sdb1'] }],
    ['another partition of its disk', { layout: ['/dev/sdb9'] }],
    ['the second of two disks', { layout: ['/dev/sda', '/dev/sdb'] }],
    ['an NVMe disk of the pool', { disks: [ROOT, nvme], layout: ['/dev/nvme0n1'] }],
    ['another partition of the NVMe disk', { disks: [ROOT, nvme], layout: ['/dev/nvme0n1p1'] }],
    [
      'a pool on the whole disk',
      { disks: [ROOT, device('/dev/sdb', { fstype: 'zfs_member', label: 'tank' })], layout: ['/dev/sdb'] },
    ],
    [
      'one half of a mirror by md',
      {
        disks: [ROOT, device('/dev/sdc', { children: [md] }), device('/dev/sdd', { children: [md] })],
        layout: ['/dev/sdd'],
      },
    ],
    ['the mirror itself', { disks: [ROOT, device('/dev/sdc', { children: [md] })], layout: ['/dev/md0'] }],
    ['one way of several to a disk', { disks: [ROOT, lun('/dev/sdc'), lun('/dev/sdd')], layout: ['/dev/sdd'] }],
    ['the multipath device', { disks: [ROOT, lun('/dev/sdc'), lun('/dev/sdd')], layout: ['/dev/mapper/mpatha'] }],
    [
      'another way, which nothing is seen on',
      { disks: [ROOT, lun('/dev/sdc'), device('/dev/sdd', { wwn: '0x5000' })], layout: ['/dev/sdd'] },
    ],
    ['a pool inside of LUKS', { disks: [ROOT, crypt], layout: ['/dev/sdc'] }],
    ['the same disk as a whole as of its partition', { disks: [ROOT, crypt], layout: ['/dev/mapper/data'] }],
    ['a label that only ZFS itself sees', { disks: [ROOT, DATA], labels: [{ path: '/dev/sda2', pools: ['tank'] }] }],
    ['a label of a cache, which names no pool', { labels: [{ path: '/dev/sda2', pools: [] }] }],
    ['a member of ZFS without a name', { disks: [device('/dev/sda', { children: [zfs('/dev/sda1')] }), DATA] }],
  ])('refuses %s', (_, observed) => {
    expect(refusals(observed)).toEqual(['pool']);
  });

  it('refuses where no disk of the data pool is to be seen', () => {
    expect(refusals({ disks: [ROOT] })).toEqual(['pool']);
    expect(refusals({}, { ...SCOPE, zpools: ['tank', 'fast'] })).toEqual(['pool']);
  });

  it('lists another pool and other file systems as what is erased, and does not refuse them', () => {
    const other = device('/dev/sda', {
      children: [zfs('/dev/sda1', 'rpool'), part('/dev/sda2', { fstype: 'ntfs', label: 'Win' })],
    });
    const { refusals: none, erased } = plan({ disks: [other, DATA] });
    expect(none).toEqual([]);
    expect(erased[0]?.what).toBe('500 GB: ZFS "rpool" on /dev/sda1, ntfs "Win" on /dev/sda2');
  });

  it.each<[string, Case, string[]]>([
    ['a device that is not there', { layout: [undefined] }, ['layout']],
    ['one of two that is not there', { layout: ['/dev/sda', undefined] }, ['layout']],
    ['a layout without disks', { layout: [] }, ['layout']],
    ['what is no block device', { layout: ['/etc/passwd'] }, ['disks']],
  ])('refuses %s', (_, observed, expected) => {
    expect(refusals(observed)).toEqual(expected);
  });

  it('takes a layout that could not be evaluated for a refusal, not for one without disks', () => {
    const observed = { ...seen({}), layout: { type: 'problem', message: 'error: attribute missing' } } as const;
    const { refusals: all, erased } = planReinstall(SCOPE, observed);
    expect(all.map(({ message }) => message)).toEqual([
      expect.stringMatching(/could not be read .* error: attribute missing\.$/),
    ]);
    expect(erased).toEqual([]);
  });

  it('tells which device bears an old label, and how it goes, only where the pool is elsewhere too', () => {
    const stale = [{ path: '/dev/sda2', pools: ['tank'] }];
    const [gate] = plan({ labels: stale }).refusals;
    expect(gate?.message).toContain('Its label is on /dev/sda2.');
    expect(gate?.whatToDo).toContain('zpool labelclear -f /dev/sda2');
    expect(plan({ disks: [ROOT], labels: stale }).refusals[0]?.whatToDo).not.toContain('labelclear');
  });

  it.each([
    ['alone', 'installed', []],
    ['member', 'none', [/its Incus is in a cluster/]],
    ['unknown', 'none', [/does not tell whether it is in a cluster/]],
  ] as const)('leaves a host alone that is installed, its Incus %s', (incus, mode, messages) => {
    const system = { nixosVersion: '26.05' } as SystemState;
    const planned = planReinstall(SCOPE, {
      host: { type: 'installed', system, incus },
      layout: { type: 'devices', devices: [] },
    });
    expect({ mode: planned.mode, erased: planned.erased }).toEqual({ mode, erased: [] });
    expect(planned.refusals.map(({ message }) => message)).toEqual(
      messages.map((message) => expect.stringMatching(message) as unknown),
    );
  });

  it('refuses without a command, and says where one is declared', () => {
    const scope: ReinstallScope = { ...SCOPE };
    delete scope.command;
    expect(plan({}, scope).refusals).toMatchObject([
      { name: 'command', whatToDo: expect.stringContaining('members.nuc-1.reinstall.command') },
    ]);
  });

  it.each<[HostState, RegExp]>([
    [{ type: 'other', name: 'Debian GNU/Linux 13' }, /Debian/],
    [{ type: 'away', problem: 'No route to host' }, /does not answer: No route/],
    [{ type: 'refused', problem: 'another host key' }, /is not known: another host key/],
  ])('refuses a host that is no installer: %j', (host, message) => {
    const { mode, refusals: all } = planReinstall(SCOPE, {
      host,
      layout: { type: 'devices', devices: [{ name: 'm', device: '/dev/sda' }] },
    });
    expect(mode).toBe('none');
    expect(all).toMatchObject([{ name: 'host', message: expect.stringMatching(message) }]);
  });

  it('tells how an unknown host key becomes a known one', () => {
    const host: HostState = { type: 'refused', problem: 'another host key' };
    const layout: ReinstallObservation['layout'] = { type: 'devices', devices: [{ name: 'm', device: '/dev/sda' }] };
    const toDo = (ownHostKey: boolean) =>
      planReinstall({ ...SCOPE, ownHostKey }, { host, layout }).refusals[0]?.whatToDo;
    expect(toDo(false)).toMatch(/into the installer’s image .* members\.nuc-1\.reinstall\.hostKey/);
    expect(toDo(true)).toMatch(/^Compare members\.nuc-1\.reinstall\.hostKey/);
  });

  it('warns where labels cannot be read', () => {
    expect(plan({ zdb: false }).gates.filter(({ verdict }) => verdict === 'warning')).toHaveLength(1);
  });

  it('knows another disk under the same name by its identity', () => {
    const [first] = plan({}).erased;
    const [second] = plan({ disks: [{ ...ROOT, serial: 'S9' }, DATA] }).erased;
    expect(first?.path).toBe(second?.path);
    expect(first?.identity).not.toBe(second?.identity);
  });
});
