import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { fleetSchema } from '../../fleet/schema.ts';
import { HOSTS, NODES } from '../../lab/nodes.ts';
import { check, until } from '../../lab/shell.ts';
import { sshArgv } from '../../lab/ssh.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';

const lab = aLab();

const { text, page, deploy, versionOf, bootOf } = handsOn(lab);

describe('a lab', () => {
  it('is three members, with systemd that runs on hosts and in guests', async () => {
    const members = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as Record<string, string>[];
    expect(members.map((member) => [member['server_name'], member['status']])).toEqual([
      ['n1', 'Online'],
      ['n2', 'Online'],
      ['n3', 'Online'],
    ]);
    for (const { name } of NODES)
      expect([name, await text(name, 'systemctl', 'is-system-running')]).toEqual([name, 'running']);
  });

  it('lets its key in by ssh everywhere, with the pinned host key', async () => {
    for (const { name } of NODES) expect(await check(sshArgv(lab().record, name, ['hostname']))).toBe(`${name}\n`);
  });

  it('has a monorepo whose fleet file is right', async () => {
    const fleet = fleetSchema.parse(parse(await readFile(join(lab().repo, 'runbook.yaml'), 'utf8')));
    expect(Object.keys(fleet.members)).toEqual(['n1', 'n2', 'n3']);
    expect(Object.entries(fleet.guests).map(([name, guest]) => `${name} on ${guest.member}`)).toEqual([
      'g1 on n1',
      'g2 on n2',
      'g3 on n3',
    ]);
  });

  it('has restic and age on the control side as well as on hosts', async () => {
    for (const argv of [
      ['restic', 'version'],
      ['age', '--version'],
    ])
      expect(await check(argv, { env: lab().env })).toBe(`${await text('n1', ...argv)}\n`);
  });

  it('keeps a guest’s volume at /srv/data', async () => {
    await text('g1', 'sh', '-c', 'echo kept > /srv/data/file');
    expect(await text('n1', 'cat', '/var/lib/incus/storage-pools/local/custom/default_g1-data/file')).toBe('kept');
  });
});

describe.each(['n2', 'g2'])('a deploy to %s', (node) => {
  it('changes what runs there', async () => {
    const before = await text(node, 'readlink', '-f', '/run/current-system');
    expect(await deploy(node, await lab().setSpec(node, { version: '26.05.2', app: 'v2' }))).toBe(0);
    expect(await page(node, 8080)).toEqual({
      status: 200,
      body: { node, version: '26.05.2', app: 'v2', healthy: true },
    });
    expect(await text(node, 'readlink', '-f', '/run/current-system')).not.toBe(before);
    expect(await text(node, 'nix-env', '-p', '/nix/var/nix/profiles/system', '--list-generations')).toMatch(
      /2 .*current/,
    );
  });

  it('can bring an unhealthy release, as its spec says', async () => {
    expect(await deploy(node, await lab().setSpec(node, { healthy: false }))).toBe(0);
    expect(await page(node, 8080)).toMatchObject({ status: 500, body: { healthy: false } });
  });
});

describe('the container web', () => {
  it('is the published image once it was pulled and its unit restarted', async () => {
    const image = '10.89.0.2:5000/web:latest';
    expect(await page('g1', 8081)).toMatchObject({ status: 200, body: { version: '1', image } });
    const digest = await lab().publishWeb({ version: '2', healthy: false });
    await text('g1', 'podman', 'pull', image);
    expect(await text('g1', 'podman', 'image', 'inspect', '--format', '{{.Digest}}', image)).toBe(digest);
    expect(await page('g1', 8081)).toMatchObject({ body: { version: '1' } });
    await text('g1', 'systemctl', 'restart', 'web.service');
    await lab().online();
    expect(await page('g1', 8081)).toMatchObject({ status: 500, body: { version: '2', healthy: false } });
  });
});

describe('power and network', () => {
  it('a host that lost power comes back with its guest, as another boot', async () => {
    const before = await bootOf('n3');
    await lab().power.off('n3');
    await expect(lab().run('n3', ['true'])).rejects.toThrow('n3 is off');
    await expect(page('g3', 8081)).rejects.toThrow();
    await lab().power.on('n3');
    await lab().online();
    expect(await bootOf('n3')).not.toBe(before);
    expect(await page('g3', 8081)).toMatchObject({ status: 200 });
    expect(await text('n3', 'readlink', '-f', '/run/booted-system')).toBe(
      await text('n3', 'readlink', '-f', '/run/current-system'),
    );
  });

  it('a host that reboots itself comes back', async () => {
    const before = await bootOf('n2');
    await lab().run('n2', ['systemctl', 'reboot']);
    const after = await until('another boot of n2', async () => {
      const boot = await bootOf('n2').catch(() => before);
      return boot === before ? { not: 'still the old one' } : { value: boot };
    });
    await lab().online();
    expect(await bootOf('n2')).toBe(after);
  });

  it('a host whose cable was pulled is Offline until it is plugged in', async () => {
    await lab().cut('n2');
    await lab().memberIs('n2', 'Offline');
    expect(await text('n2', 'systemctl', 'is-active', 'incus.service')).toBe('active');
    await lab().heal('n2');
    await lab().online();
  });
});

// After those above: what they did is what it has to undo.
it('a reset brings everything back', async () => {
  const golden = { version: '26.05.1', app: 'v1', healthy: true };
  expect((await page('n2', 8080)).body).not.toMatchObject(golden);
  const head = (): Promise<string> => check(['git', '-C', lab().repo, 'rev-list', '--count', 'HEAD']);
  expect(Number(await head())).toBeGreaterThan(1);
  await lab().reset();
  for (const node of ['n2', 'g2']) {
    expect(await page(node, 8080)).toMatchObject({ status: 200, body: golden });
    expect(await versionOf(node)).toBe('26.05.1');
  }
  expect(await page('g1', 8081)).toMatchObject({ status: 200, body: { version: '1' } });
  expect(Number(await head())).toBe(1);
});

describe('disks', () => {
  beforeEach(async () => lab().reset());

  it('a new root disk knows nothing of the cluster; the data disk is the old one', async () => {
    await text('g3', 'sh', '-c', 'echo kept > /srv/data/file');
    await lab().replaceRootDisk('n3');
    await lab().memberIs('n3', 'Offline');
    expect((await lab().run('n3', ['readlink', '-e', '/run/current-system'])).exitCode).toBe(1);
    expect(await text('n3', 'cat', '/data/incus/custom/default_g3-data/file')).toBe('kept');
    expect(await check(sshArgv(lab().record, 'n3', ['hostname']))).toBe('n3\n');
  });

  it('bare hosts have an Incus of their own and an empty place for a pool; a reset brings the cluster back', async () => {
    await lab().makeBare();
    for (const { name } of HOSTS) {
      expect(JSON.parse(await text(name, 'incus', 'query', '/1.0/cluster'))).toMatchObject({ enabled: false });
      // Prints nothing where there is none.
      expect(await text(name, 'incus', 'query', '/1.0/storage-pools')).toBe('');
      expect(await text(name, 'find', '/data/incus')).toBe('/data/incus');
      expect(await check(sshArgv(lab().record, name, ['hostname']))).toBe(`${name}\n`);
    }
    await lab().reset();
    const members = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as { status: string }[];
    expect(members.map(({ status }) => status)).toEqual(['Online', 'Online', 'Online']);
    expect(await page('g3', 8081)).toMatchObject({ status: 200 });
  });

  it('a pool can be full, and free again', async () => {
    const write = ['dd', 'if=/dev/zero', 'of=/srv/data/more', 'bs=1M', 'count=8', 'conv=fsync'];
    await lab().pool.fill('n1');
    expect(await lab().run('g1', write)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('No space left on device'),
    });
    await lab().pool.free('n1');
    expect(await lab().run('g1', write)).toMatchObject({ exitCode: 0 });
  });
});
