import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../plan/checks.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { DOCTOR_WORKFLOW, TASK_QUEUE } from '../../workflows/messages.ts';
import { startLocalServer } from './environment.ts';
import { startSimulatedFleet, type SimulatedFleet } from './simulated-fleet.ts';

describe('doctor over the simulated fleet', () => {
  let env: TestWorkflowEnvironment;
  let fleet: SimulatedFleet;
  beforeAll(async () => {
    env = await startLocalServer();
    fleet = await startSimulatedFleet(env);
  }, 60_000);
  afterAll(async () => {
    await fleet.dispose();
    await env.teardown();
  }, 60_000);

  const look = async (node?: string): Promise<Check[]> =>
    (await env.client.workflow.execute(DOCTOR_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `doctor/${randomUUID()}`,
      args: [{ fleet: { revision: fleet.simulation.revision() }, node }],
    })) as Check[];
  const bad = (checks: readonly Check[]): Check[] => checks.filter(({ verdict }) => verdict !== 'passed');

  const found = (checks: readonly Check[], where: string, what: string): Check | undefined =>
    checks.find((check) => check.where === where && check.what === what);
  const key = (machine: string): string => `ssh: { hostKey: ${hostKeyOf(machine)} }`;

  it('passes where everything is well, for every node of the fleet', async () => {
    const checks = await look();
    expect(bad(checks)).toEqual([]);
    expect(fleet.simulation.unknown()).toEqual([]);
    expect(checks.filter(({ where }) => where === 'nuc-1').map(({ what, found }) => `${what}: ${found}`)).toEqual([
      expect.stringMatching(/^ssh: answers in \d+ ms$/),
      'rights: root',
      'clock: agrees with the worker’s',
      'deploy-rs login: root@10.0.0.13, host key as declared',
      'nix: nix-env (Nix) 2.26.3',
      'system profile: generation 1',
      'disk: / 25 %, /nix/store 25 %',
      'systemd: no failed units',
      'incus: 6.0.4, clustered as nuc-1',
      'cluster: Online',
      'zfs: 2.3.9-1: tank ONLINE, zpool ONLINE',
    ]);
    expect(found(checks, 'edge-vm', 'deploy-rs login')).toMatchObject({
      found: 'root@10.0.0.21, host key as declared',
    });
    expect(new Set(checks.map(({ where }) => where))).toEqual(
      new Set(['worker', 'elitedesk-1', 'elitedesk-2', 'nuc-1', 'edge-vm', 'metrics-vm', 'home-vm', 'dns-ct']),
    );
  }, 60_000);

  it('says what is wrong with a member that is off, and with its guests, and what to do', async () => {
    await fleet.simulation.power('nuc-1', 'cut off');
    const checks = bad(await look());
    expect(checks.find(({ where, what }) => where === 'nuc-1' && what === 'ssh')).toMatchObject({
      verdict: 'failed',
      whatToDo: expect.stringMatching(/powered on/) as unknown as string,
    });
    expect(checks.every(({ whatToDo }) => (whatToDo ?? '') !== '')).toBe(true);
    await fleet.simulation.power('nuc-1', 'on');
  }, 120_000);

  it('tells a host key that is another, and one that is not known, each with its remedy', async () => {
    const right = referenceFleetFile();
    const another = right.replace(key('nuc-1'), key('edge-vm'));
    fleet.simulation.setFleetFile(another.replace(key('elitedesk-2'), 'ssh: { port: 22 }'));
    const checks = await look();
    expect(found(checks, 'nuc-1', 'ssh')).toMatchObject({
      verdict: 'failed',
      found: expect.stringMatching(/host key/) as unknown as string,
      whatToDo: expect.stringMatching(/correct ssh.hostKey in runbook.yaml/) as unknown as string,
    });
    expect(found(checks, 'elitedesk-2', 'ssh')?.whatToDo).toMatch(/^ssh-keyscan 10\.0\.0\.12 .*known_hosts/);
    fleet.simulation.setFleetFile(right);
  }, 60_000);

  it('tells that deploy-rs cannot log in where commands run inside nevertheless', async () => {
    await fleet.simulation.addFault({ machine: 'edge-vm', tool: 'ssh', effect: { type: 'unreachable' }, times: 3 });
    const checks = await look('edge-vm');
    expect(found(checks, 'edge-vm', 'exec')).toMatchObject({ verdict: 'passed' });
    expect(found(checks, 'edge-vm', 'deploy-rs login')).toMatchObject({
      verdict: 'failed',
      found: expect.stringMatching(/^root@10\.0\.0\.21: ssh: connect to host/) as unknown as string,
      whatToDo: 'See whether sshd runs there, and whether 10.0.0.21 is its address.',
    });
  }, 60_000);

  it('says how a guest that is off is started, and no more of it', async () => {
    const setStatus = (status: string): Promise<unknown> =>
      fleet.simulation.store.update(({ cluster }) => Object.assign(cluster.instances['metrics-vm'] ?? {}, { status }));
    await setStatus('Stopped');
    expect(await look('metrics-vm').then((checks) => checks.filter(({ where }) => where === 'metrics-vm'))).toEqual([
      {
        where: 'metrics-vm',
        what: 'instance',
        verdict: 'warning',
        found: 'Stopped',
        whatToDo: 'incus start metrics-vm',
      },
    ]);
    await setStatus('Running');
  }, 60_000);

  it('tells of what is missing on a host', async () => {
    const says = (machine: string, tool: string, exitCode: number, stderr: string): Promise<unknown> =>
      fleet.simulation.addFault({ machine, tool, effect: { type: 'fail', exitCode, stderr }, times: 1 });
    await says('nuc-1', 'nix-env', 127, 'nix-env: command not found');
    await says('elitedesk-2', 'zpool', 1, 'The ZFS modules are not loaded.');
    const checks = await look();
    expect(found(checks, 'nuc-1', 'nix')).toMatchObject({ verdict: 'failed', found: 'nix-env is not there' });
    expect(found(checks, 'elitedesk-2', 'zfs')).toMatchObject({ verdict: 'failed' });
  }, 60_000);

  it('names a fleet file that cannot be read at that revision', async () => {
    const checks = (await env.client.workflow.execute(DOCTOR_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `doctor/${randomUUID()}`,
      args: [{ fleet: { revision: '0'.repeat(40) } }],
    })) as Check[];
    expect(bad(checks)).toMatchObject([{ where: 'worker', what: 'fleet file' }]);
  }, 60_000);
});
