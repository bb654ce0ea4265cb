import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Simulation } from '../../simulator/create.ts';
import { buildSimulator, type Simulator } from './built-simulator.ts';
import { deploy, runOn, runOnWorker, systemsOf } from './client.ts';

jest.setTimeout(120_000);

const SNAPSHOT = ['incus', 'query', '-X', 'POST', '--wait', '-d', '{"name":"r1"}', '/1.0/instances/edge-vm/snapshots'];

describe('the simulated fleet', () => {
  let simulator: Simulator;
  let simulation: Simulation;
  beforeAll(async () => {
    simulator = await buildSimulator();
  });
  beforeEach(async () => {
    simulation = await simulator.create();
  });
  afterAll(async () => {
    await simulator.dispose();
  });
  const snapshots = () => Object.keys(simulation.readState().cluster.instances['edge-vm']?.snapshots ?? {});
  const snapshot = () => runOn(simulation, 'elitedesk-1', SNAPSHOT);
  const failing = { type: 'fail', exitCode: 1, stderr: 'Error: no' } as const;

  it('fails the given number of times, after those that may pass, and then works', async () => {
    await simulation.addFault({ tool: 'incus', args: 'snapshots', skip: 1, times: 2, effect: failing });
    const codes = [];
    for (let i = 0; i < 4; i++)
      codes.push(
        (await runOn(simulation, 'elitedesk-1', ['incus', 'query', '/1.0/instances/edge-vm/snapshots?recursion=1']))
          .exitCode,
      );
    expect(codes).toEqual([0, 1, 1, 0]);
  });

  it('strikes the machine that is named and no other', async () => {
    await simulation.addFault({ machine: 'nuc-1', tool: 'systemctl', effect: failing });
    expect((await runOn(simulation, 'nuc-1', ['systemctl', 'is-system-running'])).exitCode).toBe(1);
    expect((await runOn(simulation, 'elitedesk-1', ['systemctl', 'is-system-running'])).exitCode).toBe(0);
  });

  it('drops a connection before the effect, or after it', async () => {
    await simulation.addFault({ tool: 'incus', times: 1, when: 'before', effect: { type: 'drop' } });
    expect(await snapshot()).toMatchObject({ exitCode: 255, stdout: '' });
    expect(snapshots()).toEqual([]);
    await simulation.addFault({ tool: 'incus', times: 1, when: 'after', effect: { type: 'drop' } });
    expect(await snapshot()).toMatchObject({
      exitCode: 255,
      stdout: '',
      stderr: expect.stringContaining('closed by remote host'),
    });
    expect(snapshots()).toEqual(['r1']);
  });

  it('is not reachable where it is told so, and where it is off', async () => {
    await simulation.addFault({ machine: 'elitedesk-1', times: 1, effect: { type: 'unreachable' } });
    expect(await snapshot()).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('Connection timed out') });
    await simulation.power('elitedesk-1', 'off');
    expect(await snapshot()).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('No route to host') });
    expect(snapshots()).toEqual([]);
  });

  it('hangs until it is killed', async () => {
    await simulation.addFault({ tool: 'incus', effect: { type: 'hang' } });
    expect((await runOn(simulation, 'elitedesk-1', SNAPSHOT, 1_000)).exitCode).toBe(124);
    expect(snapshots()).toEqual([]);
  });

  it.each([
    ['before', []],
    ['after', ['r1']],
  ] as const)('pauses %s the effect, and goes no further when it is killed there', async (when, expected) => {
    const id = await simulation.addFault({ tool: 'incus', args: 'snapshots', when, effect: { type: 'pause' } });
    const done = snapshot();
    while (!simulation.isPaused(id)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(snapshots()).toEqual(expected);
    const reached = JSON.parse(readFileSync(join(simulation.dir, 'pauses', `${id}.reached`), 'utf8')) as {
      pid: number;
    };
    process.kill(reached.pid, 'SIGKILL');
    await done;
    simulation.releasePause(id);
    expect(snapshots()).toEqual(expected);
  });

  it('strikes a call once: a second fault whose turn it is strikes the next', async () => {
    for (const stderr of ['Error: first', 'Error: second'])
      await simulation.addFault({ tool: 'incus', times: 1, effect: { ...failing, stderr } });
    const answers = [];
    for (let i = 0; i < 3; i++)
      answers.push((await runOn(simulation, 'elitedesk-1', ['incus', 'query', '/1.0/cluster'])).stderr.trim());
    expect(answers).toEqual(['Error: first', 'Error: second', '']);
  });

  it('goes on where a pause is released', async () => {
    const id = await simulation.addFault({ tool: 'incus', times: 1, effect: { type: 'pause' } });
    const done = snapshot();
    while (!simulation.isPaused(id)) await new Promise((resolve) => setTimeout(resolve, 10));
    simulation.releasePause(id);
    expect(await done).toMatchObject({ exitCode: 0 });
    expect(snapshots()).toEqual(['r1']);
  });

  it('is between two configurations when the client is killed while the activation prints', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2', activation: { seconds: 4 } });
    await simulation.store.update((state) => {
      state.pace = 1;
    });
    const flake = `git+file://${simulation.repoDir}?rev=${simulation.revision()}#nuc-1.system`;
    const argv = ['--skip-checks', '--ssh-opts', '-o StrictHostKeyChecking=no', '--confirm-timeout', '2', flake];
    const client = spawn(join(simulation.binDir, 'deploy'), argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}` },
    });
    let printed = '';
    client.stderr.on('data', (data: Buffer) => (printed += data.toString()));
    while (!printed.includes('activating the configuration')) await new Promise((resolve) => setTimeout(resolve, 10));
    process.kill(-(client.pid ?? 0), 'SIGKILL');
    const isActivating = async () =>
      (await runOn(simulation, 'nuc-1', ['pgrep', '-f', '-a', '[a]ctivate-rs'])).exitCode === 0;
    while (await isActivating()) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await systemsOf(simulation, 'nuc-1')).toMatchObject({ profile: '26.05.1', running: '26.05.2' });
  });

  it('loses nothing when many processes change it at once', async () => {
    simulation = await simulator.create({ server: false });
    const names = Array.from({ length: 12 }, (_, i) => `r${i}`);
    await Promise.all(
      names.map((name) =>
        runOn(
          simulation,
          'elitedesk-1',
          SNAPSHOT.map((word) => word.replace('r1', name)),
        ),
      ),
    );
    expect(snapshots().sort()).toEqual([...names].sort());
  });

  it('refuses what it does not know, and remembers that it was asked', async () => {
    const ran = await runOn(simulation, 'elitedesk-1', ['incus', 'cluster', 'rename', 'nuc-1', 'nuc-2']);
    expect(ran).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('unknown command incus cluster rename'),
    });
    expect(await runOnWorker(simulation, ['ssh', '-o', 'Nonsense=1', 'nuc-1', 'true'])).toMatchObject({ exitCode: 64 });
    expect(simulation.unknown()).toHaveLength(2);
  });

  it('writes down what was run and what it changed', async () => {
    await runOn(simulation, 'elitedesk-1', ['incus', 'cluster', 'list', '-f', 'json']);
    expect(simulation.journal().flatMap(({ changes = [] }) => changes)).toEqual([]);
    await snapshot();
    const entry = simulation.journal().findLast(({ tool, phase }) => tool === 'incus' && phase === 'after');
    expect(entry).toMatchObject({
      machine: 'elitedesk-1',
      exitCode: 0,
      changes: ['cluster.instances.edge-vm.snapshots'],
    });
  });

  it('shows a machine its own files and no others', async () => {
    const script =
      'echo here >/var/lib/mine; cat /etc/hostname /var/lib/mine; ls /; pwd; readlink -f /run/current-system';
    const { stdout } = await runOn(simulation, 'nuc-1', ['sh', '-c', script]);
    expect(stdout).toMatch(/^nuc-1\nhere\n/);
    expect(stdout).not.toContain(simulation.dir);
    expect(existsSync('/var/lib/mine')).toBe(false);
  });

  it('answers the same without its server', async () => {
    const alone = await simulator.create({ server: false });
    const members = ['incus', 'cluster', 'list', '-f', 'json'];
    const strip = ({ exitCode, stdout }: { exitCode: number; stdout: string }) => ({ exitCode, stdout });
    expect(strip(await runOn(alone, 'nuc-1', members))).toEqual(strip(await runOn(simulation, 'nuc-1', members)));
    expect(await deploy(alone, 'nuc-1')).toMatchObject({ exitCode: 0 });
  });

  it('takes a guest back to its snapshot with its files, containers and generations', async () => {
    await runOn(simulation, 'edge-vm', ['sh', '-c', 'mkdir -p /srv; echo before >/srv/data']);
    await snapshot();
    await runOn(simulation, 'edge-vm', ['sh', '-c', 'echo after >/srv/data']);
    const digest = await simulation.publishImage('registry.example/caddy:stable', { healthy: false });
    await runOn(simulation, 'edge-vm', ['podman', 'pull', '--quiet', 'registry.example/caddy:stable']);
    await runOn(simulation, 'edge-vm', ['systemctl', 'restart', 'podman-caddy.service']);
    expect(simulation.readState().machines['edge-vm']?.containers['caddy']?.digest).toBe(digest);
    const health = ['curl', '--silent', '--url', 'http://localhost:8080/health'];
    expect((await runOn(simulation, 'edge-vm', health)).stdout).toBe('bad gateway: caddy\n');
    const restore = ['incus', 'query', '-X', 'PUT', '--wait', '-d', '{"restore":"r1"}', '/1.0/instances/edge-vm'];
    expect(await runOn(simulation, 'elitedesk-1', restore)).toMatchObject({ exitCode: 0 });
    expect((await runOn(simulation, 'edge-vm', ['cat', '/srv/data'])).stdout).toBe('before\n');
    expect((await runOn(simulation, 'edge-vm', health)).stdout).toBe('ok\n');
  });

  it('reboots: away, back with another boot id, its guests running again', async () => {
    const bootId = async () =>
      (await runOn(simulation, 'elitedesk-1', ['cat', '/proc/sys/kernel/random/boot_id'])).stdout;
    const before = await bootId();
    await runOn(simulation, 'elitedesk-1', ['systemctl', 'reboot', '--no-wall']);
    let now = before;
    while (now === before || now === '') now = await bootId();
    expect((await runOn(simulation, 'edge-vm', ['cat', '/etc/hostname'])).stdout).toBe('edge-vm\n');
  });
});
