import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import type { clusterBootstrap } from '../../workflows/cluster-bootstrap.ts';
import type { memberRemove } from '../../workflows/member-remove.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, type DecideArgs } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
type Handle = WorkflowHandle<typeof memberRemove>;

describe('taking a member out of a cluster of real hosts', () => {
  beforeEach(async () => {
    await lab().reset();
  }, 120_000);

  const start = async (member: string): Promise<Handle> => {
    const revision = (await lab().setSpec('n1', {})).trim();
    return worker().env.client.workflow.start<typeof memberRemove>('memberRemove', {
      taskQueue: TASK_QUEUE,
      workflowId: `member-remove/${member}`,
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false, member }],
    });
  };
  const asked = (handle: Handle): Promise<void> =>
    eventually(
      'it asks',
      async () => (await handle.query<RunView>(VIEW_QUERY).catch(() => undefined))?.approval !== undefined,
      120_000,
    );
  const decide = (handle: Handle, args: Partial<DecideArgs> = {}): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...args }] });
  const members = async (): Promise<string[]> => {
    const listed = JSON.parse(await text('n1', 'incus', 'cluster', 'list', '-f', 'json')) as { server_name: string }[];
    return listed.map(({ server_name }) => server_name);
  };
  const isClustered = async (host: string): Promise<boolean> =>
    (JSON.parse(await text(host, 'incus', 'query', '/1.0/cluster')) as { enabled: boolean }).enabled;
  const empty = async (): Promise<void> => {
    await text('n1', 'incus', 'delete', '--force', 'g3');
    await text('n3', 'incus', 'storage', 'volume', 'delete', 'local', 'g3-data', '--target', 'n3');
  };

  /** What every clean way has to end in. */
  async function expectLeft(view: RunView): Promise<void> {
    expect(view.result).toMatchObject({
      outcome: 'Done',
      summary: 'n3 is no member any more; n1, n2 are the cluster.',
    });
    expect(await members()).toEqual(['n1', 'n2']);
    expect(await isClustered('n3')).toBe(false);
    expect(await text('n3', 'incus', 'storage', 'list', '-f', 'csv')).toBe('');
    expect(await text('n3', 'ls', '/data/incus')).toBe('');
  }

  it('lets an empty one leave; it has nothing to do the second time; it joins again', async () => {
    await empty();
    const handle = await start('n3');
    await asked(handle);
    await decide(handle);
    await expectLeft(await viewOf(handle));
    expect((await viewOf(await start('n3'))).result).toMatchObject({ outcome: 'AlreadySo' });
    const { revision } = { revision: (await lab().setSpec('n1', {})).trim() };
    const again = await worker().env.client.workflow.start<typeof clusterBootstrap>('clusterBootstrap', {
      taskQueue: TASK_QUEUE,
      workflowId: 'cluster-bootstrap/all',
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false }],
    });
    const { result } = await viewOf(again);
    // The lab's cluster was not formed as its fleet file declares: the member joins, and what differs is named.
    expect({ result, members: await members() }).toMatchObject({ members: ['n1', 'n2', 'n3'] });
  }, 240_000);

  it('refuses one with an instance, a volume, and what others put beside its pool', async () => {
    await text('n3', 'mkdir', '-p', '/data/incus/photos');
    const { result } = await viewOf(await start('n3'));
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('It has 1 instance: g3 (Running).');
    expect(result?.failure?.message).toContain('It has 1 custom volume: local/g3-data.');
    expect(result?.failure?.message).toContain('has more than Incus put there: photos');
    expect(await members()).toEqual(['n1', 'n2', 'n3']);
    expect(await text('n3', 'ls', '/data/incus')).toContain('photos');
  }, 120_000);

  it('forces nothing on one that lives: also where its Incus is down', async () => {
    await text('n3', 'systemctl', 'stop', 'incus.socket', 'incus.service');
    await lab().memberIs('n3', 'Offline');
    const { result } = await viewOf(await start('n3'));
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('n3 is Offline, its host answers, and its Incus could not be asked');
    expect(await members()).toEqual(['n1', 'n2', 'n3']);
  }, 180_000);

  it('forgets a dead one, and only by its typed name; its data disk stays as it is', async () => {
    await lab().power.off('n3');
    await lab().memberIs('n3', 'Offline');
    const handle = await start('n3');
    await asked(handle);
    const { approval } = await handle.query<RunView>(VIEW_QUERY);
    expect(approval).toMatchObject({ expects: 'n3' });
    expect(approval?.consequences.join(' ')).toContain('The cluster forgets: instance g3, volume local/g3-data.');
    for (const name of [undefined, 'n2'])
      await expect(decide(handle, name === undefined ? {} : { name })).rejects.toThrow();
    expect(await members()).toEqual(['n1', 'n2', 'n3']);
    await decide(handle, { name: 'n3' });
    const { result } = await viewOf(handle);
    expect(result).toMatchObject({ outcome: 'Done', summary: 'n3 is no member any more; n1, n2 are the cluster.' });
    expect(await members()).toEqual(['n1', 'n2']);
    await lab().power.on('n3');
    expect(await text('n3', 'ls', '/data/incus/containers')).toBe('g3');
  }, 240_000);

  it.each([0, 150, 400, 800])(
    'ends the same where the worker is killed %d ms into the removal',
    async (ms) => {
      await empty();
      const handle = await start('n3');
      await asked(handle);
      await decide(handle);
      await eventually(
        'it removes',
        async () =>
          (await handle.query<RunView>(VIEW_QUERY)).steps.find(({ id }) => id === 'remove')?.state === 'running',
        60_000,
      );
      await new Promise((resolve) => setTimeout(resolve, ms));
      await worker().kill();
      await worker().restart();
      await expectLeft(await viewOf(handle));
    },
    240_000,
  );

  it('tells what is left where the Incus of the member is killed while it leaves', async () => {
    await empty();
    const handle = await start('n3');
    await asked(handle);
    await decide(handle);
    await eventually(
      'it leaves',
      async () => (await lab().run('n1', ['pgrep', '-f', 'incus cluster remove'])).exitCode === 0,
      60_000,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await lab().run('n3', ['pkill', '-KILL', '-x', 'incusd']);
    const { result } = await viewOf(handle);
    expect(result).toMatchObject({ outcome: 'Done', summary: 'n3 is no member any more; n1, n2 are the cluster.' });
    expect(await members()).toEqual(['n1', 'n2']);
    // Where the others forgot it before it knew, its Incus hangs for ever, and that is told.
    const { stdout } = await lab().run('n3', ['timeout', '20', 'incus', 'query', '/1.0/cluster']);
    if (!stdout.includes('"enabled": false')) expect(result?.left.join(' ')).toContain('The Incus of n3 ');
  }, 240_000);
});
