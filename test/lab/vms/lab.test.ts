import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NODES } from '../../../lab/nodes.ts';
import { check } from '../../../lab/shell.ts';
import { sshArgv } from '../../../lab/ssh.ts';
import { aLab } from '../a-lab.ts';

const lab = aLab('vms');
jest.setTimeout(15 * 60_000);

const text = async (node: string, ...argv: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await lab().run(node, argv);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return stdout.trim();
};
const bootOf = (host: string): Promise<string> => text(host, 'cat', '/proc/sys/kernel/random/boot_id');

describe('a lab of virtual hosts', () => {
  it('is three members with a pool on ZFS each, and systemd that runs on hosts and in guests', async () => {
    const members = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as Record<string, string>[];
    expect(members.map((member) => [member['server_name'], member['status']])).toEqual([
      ['n1', 'Online'],
      ['n2', 'Online'],
      ['n3', 'Online'],
    ]);
    for (const { name } of NODES)
      expect([name, await text(name, 'systemctl', 'is-system-running')]).toEqual([name, 'running']);
    for (const index of [1, 2, 3]) {
      const host = `n${index}`;
      expect(await text(host, 'zpool', 'list', '-Ho', 'name,health')).toBe('tank\tONLINE');
      const datasets = (await text(host, 'zfs', 'list', '-Ho', 'name', '-r', 'tank/incus')).split('\n');
      expect(datasets).toContain(`tank/incus/containers/g${index}`);
      expect(datasets).toContain(`tank/incus/custom/default_g${index}-data`);
    }
  });

  it('lets its key in by ssh everywhere, with the pinned host key', async () => {
    for (const { name } of NODES) expect(await check(sshArgv(lab().record, name, ['hostname']))).toBe(`${name}\n`);
  });

  it('gives what a command reads, prints and exits with as it is', async () => {
    const argv = ['sh', '-c', 'cat; echo "$1" >&2; exit 7', 'sh', `it's "two"  words\n$HOME`];
    for (const node of ['n1', 'g1'])
      expect(await lab().run(node, argv, { input: 'one\ntwo' })).toEqual({
        exitCode: 7,
        stdout: 'one\ntwo',
        stderr: `it's "two"  words\n$HOME\n`,
      });
  });
});

describe('back to the golden state', () => {
  it('happens in place: same boot, and nothing of what was done since', async () => {
    const boot = await bootOf('n2');
    await text('n2', 'touch', '/root/trace');
    await text('g2', 'touch', '/srv/data/trace');
    await lab().reset();
    expect(await bootOf('n2')).toBe(boot);
    expect(await text('n2', 'ls', '/root')).toBe('');
    expect(await text('g2', 'ls', '/srv/data')).toBe('');
    const skew = Number(await text('n2', 'date', '+%s')) - Date.now() / 1000;
    expect(Math.abs(skew)).toBeLessThan(5);
  });
});

describe('power, network and disks', () => {
  beforeEach(async () => lab().reset());

  it('a host that lost power comes back with its guest, as another boot', async () => {
    const before = await bootOf('n3');
    await lab().power.off('n3');
    await expect(lab().run('n3', ['true'])).rejects.toThrow('n3 is off');
    await lab().power.on('n3');
    await lab().online();
    expect(await bootOf('n3')).not.toBe(before);
    expect(await text('n3', 'readlink', '-f', '/run/booted-system')).toBe(
      await text('n3', 'readlink', '-f', '/run/current-system'),
    );
  });

  it('a host whose cable was pulled is Offline until it is plugged in', async () => {
    await lab().cut('n2');
    await lab().memberIs('n2', 'Offline');
    expect(await text('n2', 'systemctl', 'is-active', 'incus.service')).toBe('active');
    await lab().heal('n2');
    await lab().online();
  });

  it('a new root disk knows nothing of the cluster, and finds the pool with all its data', async () => {
    await text('g3', 'sh', '-c', 'echo kept >/srv/data/file && sync');
    await lab().replaceRootDisk('n3');
    await lab().memberIs('n3', 'Offline');
    expect((await lab().run('n3', ['readlink', '-e', '/run/current-system'])).exitCode).toBe(1);
    expect(await lab().run('n3', ['incus', 'cluster', 'list'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('part of a cluster'),
    });
    expect(await text('n3', 'zpool', 'list')).toBe('no pools available');
    await text('n3', 'zpool', 'import', 'tank');
    const volume = 'tank/incus/custom/default_g3-data';
    await text('n3', 'mount', '-t', 'zfs', volume, '/mnt');
    expect(await text('n3', 'cat', '/mnt/file')).toBe('kept');
    expect(await check(sshArgv(lab().record, 'n3', ['hostname']))).toBe('n3\n');
  });

  it('a pool can be full, and free again', async () => {
    const write = ['dd', 'if=/dev/urandom', 'of=/srv/data/more', 'bs=1M', 'count=8', 'conv=fsync'];
    await lab().pool.fill('n1');
    expect(await lab().run('g1', write)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('No space left on device'),
    });
    await lab().pool.free('n1');
    expect(await lab().run('g1', write)).toMatchObject({ exitCode: 0 });
  });
});
