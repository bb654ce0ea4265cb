import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Simulation } from '../../simulator/create.ts';
import { buildSimulator, type Simulator } from './built-simulator.ts';
import { deploy, runOn, runOnWorker, systemsOf } from './client.ts';

jest.setTimeout(120_000);

/** The outcomes that were seen with the real deploy-rs 1.0.0 on real hosts. */
describe('the simulated deploy-rs', () => {
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
  const systems = () => systemsOf(simulation, 'nuc-1');
  const canaries = async () =>
    (await runOn(simulation, 'nuc-1', ['find', '/tmp', '-name', 'deploy-rs-canary-*'])).stdout;

  it('makes a new generation and has it confirmed', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2' });
    const ran = await deploy(simulation, 'nuc-1');
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Deployment confirmed.') });
    expect(await systems()).toEqual({ generations: '1 2*', profile: '26.05.2', running: '26.05.2' });
    expect(await canaries()).toBe('');
  });

  it('makes no new generation of an unchanged closure', async () => {
    expect(await deploy(simulation, 'nuc-1')).toMatchObject({ exitCode: 0 });
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it.each([1, 100])('rolls back an activation that exits with %d, and deletes its generation', async (exitCode) => {
    simulation.setSpec('nuc-1', { version: '26.05.2', activation: { exitCode } });
    const ran = await deploy(simulation, 'nuc-1');
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('rolled back to previous generation') });
    expect(ran.stderr).toContain('Activation cancelled by deployment client');
    await rollbackEnded();
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it('stays on the failed generation where both rollbacks are off', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2', activation: { exitCode: 1 } });
    const ran = await deploy(simulation, 'nuc-1', ['--magic-rollback', 'false', '--auto-rollback', 'false']);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Failed to deploy profile') });
    expect(await systems()).toEqual({ generations: '1 2*', profile: '26.05.2', running: '26.05.2' });
  });

  it('changes nothing with --dry-activate', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2' });
    const ran = await deploy(simulation, 'nuc-1', ['--dry-activate']);
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Completed dry-activate!') });
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it('sets the profile and activates nothing with --boot, until the machine reboots', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2' });
    const ran = await deploy(simulation, 'nuc-1', ['--boot']);
    expect(ran).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Success activating for next boot') });
    expect(await systems()).toEqual({ generations: '1 2*', profile: '26.05.2', running: '26.05.1' });
    await simulation.power('nuc-1', 'off');
    await simulation.power('nuc-1', 'on');
    expect(await systems()).toEqual({ generations: '1 2*', profile: '26.05.2', running: '26.05.2' });
  });

  it.each(['stops sshd', 'cuts off'] as const)(
    'rolls back by itself where the activation %s, and leaves its canary',
    async (network) => {
      simulation.setSpec('nuc-1', { version: '26.05.2', activation: { network } });
      const ran = await deploy(simulation, 'nuc-1');
      expect(ran).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('Error confirming deployment: SSH confirmation command'),
      });
      expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
      expect(await canaries()).toMatch(/^\/tmp\/deploy-rs-canary-[0-9a-z]{32}\n$/);
    },
  );

  it('says "confirmed" with a stale canary, and the host rolls back all the same', async () => {
    // Long enough that the client has taken the canary away before the host makes its own.
    simulation = await simulator.create({ pace: 1 });
    const revision = simulation.setSpec('nuc-1', { version: '26.05.2', activation: { seconds: 3 } });
    const attribute = `git+file://${simulation.repoDir}?rev=${revision}#deploy.nodes."nuc-1".profiles."system".path`;
    const { stdout } = await runOnWorker(simulation, ['nix', 'build', '--no-link', '--print-out-paths', attribute]);
    const hash = stdout.slice('/nix/store/'.length).split('-')[0] ?? '';
    await runOn(simulation, 'nuc-1', ['touch', `/tmp/deploy-rs-canary-${hash}`]);
    expect(await deploy(simulation, 'nuc-1')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('Deployment confirmed.'),
    });
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it('downgrades a host whose unchanged closure fails now', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2' });
    await deploy(simulation, 'nuc-1');
    await simulation.addFault({
      machine: 'nuc-1',
      tool: 'switch-to-configuration',
      times: 1,
      effect: { type: 'fail', exitCode: 1, stderr: 'no' },
    });
    expect(await deploy(simulation, 'nuc-1')).toMatchObject({ exitCode: 1 });
    await rollbackEnded();
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it('fails before the host is touched where it cannot be reached', async () => {
    simulation.setSpec('nuc-1', { version: '26.05.2' });
    await simulation.power('nuc-1', 'cut off');
    const ran = await deploy(simulation, 'nuc-1');
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Failed to push profile system to node nuc-1: Copy exited with status 1'),
    });
    await simulation.power('nuc-1', 'on');
    expect(await systems()).toEqual({ generations: '1*', profile: '26.05.1', running: '26.05.1' });
  });

  it('waits with a newer Incus until every member has it', async () => {
    const members = ['elitedesk-1', 'elitedesk-2', 'nuc-1'];
    for (const name of members) simulation.setSpec(name, { incus: '7.0.2' });
    const quiet = ['--magic-rollback', 'false', '--auto-rollback', 'false'];
    const first = deploy(simulation, 'nuc-1', quiet);
    const statuses = async () => {
      const { stdout } = await runOn(simulation, 'elitedesk-1', ['incus', 'cluster', 'list', '-f', 'json']);
      return (JSON.parse(stdout) as { status: string }[]).map(({ status }) => status);
    };
    while (!(await statuses()).includes('Blocked')) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await statuses()).toEqual(['Blocked', 'Blocked', 'Online']);
    const show = ['systemctl', 'show', '-p', 'ActiveState,SubState', 'incus.service'];
    while (!(await runOn(simulation, 'nuc-1', show)).stdout.includes('SubState=start-post'));
    const others = members.slice(0, 2).map((name) => deploy(simulation, name, quiet));
    for (const ran of await Promise.all([first, ...others])) expect(ran).toMatchObject({ exitCode: 0 });
    expect(await statuses()).toEqual(['Online', 'Online', 'Online']);
  });

  /** The client comes back before the rollback has ended, as the real one does. */
  async function rollbackEnded(): Promise<void> {
    for (;;) {
      const { exitCode } = await runOn(simulation, 'nuc-1', ['pgrep', '-f', '-a', '[a]ctivate-rs']);
      if (exitCode === 1) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
