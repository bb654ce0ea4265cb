import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, type DecideArgs } from '../../workflows/messages.ts';
import type { quorumRecover } from '../../workflows/quorum-recover.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
type Handle = WorkflowHandle<typeof quorumRecover>;

describe('a cluster of real hosts that has lost its leader', () => {
  beforeEach(async () => {
    await lab().reset();
  }, 120_000);

  const start = async (member = 'n1'): Promise<Handle> => {
    const revision = (await lab().setSpec('n1', {})).trim();
    return worker().env.client.workflow.start<typeof quorumRecover>('quorumRecover', {
      taskQueue: TASK_QUEUE,
      workflowId: `quorum-recover/${member}`,
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false, member }],
    });
  };
  const view = async (handle: Handle): Promise<RunView | undefined> =>
    handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
  const decide = (handle: Handle, args: Partial<DecideArgs>): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...args }] });
  const sayAll = async (handle: Handle, names: readonly string[]): Promise<void> => {
    for (const name of names) {
      await eventually(`it asks for ${name}`, async () => (await view(handle))?.approval?.expects === name, 200_000);
      await decide(handle, { name });
    }
  };
  const members = async (): Promise<Record<string, string>> => {
    const listed = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as {
      server_name: string;
      status: string;
    }[];
    return Object.fromEntries(listed.map(({ server_name, status }) => [server_name, status]));
  };
  const monitorOf = (host: string): Promise<string> => text(host, 'pgrep', '-f', '^\\[lxc monitor\\] ');
  /** A leader goes on answering until it has missed the others for a while. */
  const leaderIsGone = (): Promise<void> =>
    eventually(
      'no leader',
      async () => (await lab().run('n1', ['incus', 'cluster', 'list'], { timeoutMs: 3_000 })).exitCode === 124,
      60_000,
    );
  const loseMost = async (): Promise<void> => {
    await lab().power.off('n2');
    await lab().power.off('n3');
    await leaderIsGone();
  };

  /** What every way has to end in. */
  async function expectRecovered(handle: Handle, monitor: string): Promise<void> {
    const { result, name } = await viewOf(handle);
    expect(result).toMatchObject({ outcome: 'Done' });
    expect(result?.summary).toMatch(/^n1 carries the database on: n1 Online, /);
    expect(Object.keys(await members())).toEqual(['n1', 'n2', 'n3']);
    expect((await members())['n1']).toBe('Online');
    expect(await monitorOf('n1')).toBe(monitor);
    expect(await text('n1', 'ls', `/var/lib/runbook/set-aside/${name}/database`)).toContain('global');
    expect(await text('n1', 'ls', '/var/lib/runbook/quorum')).toBe('recovered');
    const instances = await text('n1', 'incus', 'list', '-f', 'csv', '-c', 'n');
    expect(instances.split('\n').sort()).toEqual(['g1', 'g2', 'g3']);
  }

  it('is carried on by a survivor whose instance runs on; there is nothing to do the second time', async () => {
    const monitor = await monitorOf('n1');
    await loseMost();
    const handle = await start();
    await sayAll(handle, ['n2', 'n3', 'n1']);
    await expectRecovered(handle, monitor);
    expect(await text('n1', 'incus', 'exec', 'g1', '--', 'hostname')).toBe('g1');
    expect((await viewOf(await start())).result).toMatchObject({ outcome: 'AlreadySo' });
  }, 600_000);

  it('refuses where there is a leader, and where an Incus was stopped with which there would be one', async () => {
    const led = await viewOf(await start());
    expect(led.result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(led.result?.failure?.message).toContain('The cluster has a leader, n1 says: n1 Online');
    await text('n2', 'systemctl', 'stop', 'incus.socket', 'incus.service');
    await lab().power.off('n3');
    await leaderIsGone();
    const { result } = await viewOf(await start());
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('The Incus of n2 does not run, so it has no say in who leads');
    expect(result?.failure?.message).toContain('n1, n2 of the 3 voters n1, n2, n3 are alive');
    expect((await lab().run('n1', ['ls', '/var/lib/runbook/quorum'])).exitCode).not.toBe(0);
  }, 400_000);

  it('is recovered where the worker is killed in each step that changes something', async () => {
    const monitor = await monitorOf('n1');
    await loseMost();
    const handle = await start();
    await sayAll(handle, ['n2', 'n3', 'n1']);
    for (const step of ['stop-n1', 'keep', 'recover', 'start-n1']) {
      await eventually(
        `it is at ${step}`,
        async () => (await view(handle))?.steps.some(({ id, state }) => id === step && state !== 'pending') === true,
        200_000,
      );
      await worker().kill();
      await worker().restart();
    }
    await expectRecovered(handle, monitor);
  }, 600_000);
});
