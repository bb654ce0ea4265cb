import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { KeptView } from '../../plan/kept.ts';
import type { ResolveWay } from '../../plan/replica-resolve.ts';
import type { RunView } from '../../plan/run.ts';
import type { Dataset } from '../../simulator/core/state.ts';
import type { backupsResolve } from '../../workflows/backups-resolve.ts';
import type { kept } from '../../workflows/kept.ts';
import { DECIDE_UPDATE, KEPT_WORKFLOW, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import type { releaseKept } from '../../workflows/release-kept.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const REPLICA = 'tank/replica/home-data';
type Handle = WorkflowHandle<typeof backupsResolve>;

describe('backups resolve over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();
  const change = (how: (dataset: Dataset) => void): Promise<unknown> =>
    simulation().store.update(({ machines }) => {
      const dataset = machines['nuc-1']?.datasets[REPLICA];
      if (dataset !== undefined) how(dataset);
    });
  const later = (seconds: number, guid: string) => ({ creation: Math.floor(Date.now() / 1000) + seconds, guid });
  beforeEach(() => change(({ snapshots }) => void (snapshots['by-hand'] = later(0, '77'))));

  const start = (way: ResolveWay, volume = 'home-data'): Promise<Handle> =>
    env().client.workflow.start<typeof backupsResolve>('backupsResolve', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('backups-resolve', 'nuc-1'),
      args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', volume, target: 'nuc-1', way }],
    });
  const asked = (handle: Handle): Promise<void> =>
    eventually('it asks', async () => (await handle.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
  const decide = (handle: WorkflowHandle, name?: string): Promise<unknown> =>
    handle.executeUpdate(DECIDE_UPDATE, {
      args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...(name === undefined ? {} : { name }) }],
    });
  const replicas = (): Record<string, Dataset> => simulation().readState().machines['nuc-1']?.datasets ?? {};
  const backUp = async (): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('nightly-backup', 'all'),
        args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly: false }],
      }),
    );

  it(
    'keeps a replica aside that has diverged, whole, until it is released by name; the next night begins a new one',
    async () => {
      const { result: told } = await backUp();
      expect(told?.next[0]?.command).toBe(
        'runbook backups resolve --volume home-data --target nuc-1 --dataset tank/replica',
      );
      expect(told?.failure).toMatchObject({
        type: 'Diverged',
        whatToDo: expect.stringContaining('runbook backups resolve') as unknown,
      });
      const handle = await start('keep aside');
      await asked(handle);
      await decide(handle);
      const view = await viewOf(handle);
      const aside = `tank/replica-home-data-${view.name}`;
      expect(view.result).toMatchObject({ outcome: 'Done', summary: expect.stringContaining(aside) as unknown });
      expect(replicas()[REPLICA]).toBeUndefined();
      expect(Object.keys(replicas()[aside]?.snapshots ?? {})).toContain('by-hand');

      const { copies } = await backUp();
      expect(copies?.find(({ volume }) => volume === 'home-data')).toMatchObject({ outcome: 'copied' });
      expect(Object.keys(replicas()[aside]?.snapshots ?? {})).toContain('by-hand');
      const listed: KeptView = await env().client.workflow.execute<typeof kept>(KEPT_WORKFLOW, {
        taskQueue: TASK_QUEUE,
        workflowId: `${KEPT_WORKFLOW}/test`,
        args: [{ fleet: { revision: simulation().revision() } }],
      });
      expect(listed.kept).toMatchObject([{ member: 'nuc-1', name: aside, from: REPLICA }]);
      const release = await env().client.workflow.start<typeof releaseKept>('releaseKept', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('release-kept', 'nuc-1'),
        args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', member: 'nuc-1', name: aside }],
      });
      await eventually(
        'it asks',
        async () => (await release.query<RunView>(VIEW_QUERY)).approval !== undefined,
        60_000,
      );
      await decide(release, aside);
      expect((await viewOf(release)).result).toMatchObject({ outcome: 'Done' });
    },
    TIMEOUT_MS,
  );

  it(
    'rolls it back by its typed name, and the next night goes on; a second time there is nothing to do',
    async () => {
      const handle = await start('roll back');
      await asked(handle);
      expect((await handle.query<RunView>(VIEW_QUERY)).approval?.consequences.join('\n')).toContain('@by-hand');
      await expect(decide(handle)).rejects.toThrow();
      await decide(handle, REPLICA);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(Object.keys(replicas()[REPLICA]?.snapshots ?? {})).toEqual(['snapshot-nightly']);
      expect((await backUp()).result).toMatchObject({ outcome: 'Done' });
      expect((await viewOf(await start('roll back'))).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'loses what was written to a replica, and no snapshot',
    async () => {
      await change((dataset) => {
        delete dataset.snapshots['by-hand'];
        dataset.written = 4096;
      });
      const handle = await start('roll back');
      await asked(handle);
      await decide(handle, REPLICA);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(replicas()[REPLICA]).not.toHaveProperty('written');
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing where there is more to lose than was approved',
    async () => {
      const handle = await start('roll back');
      await asked(handle);
      await change(({ snapshots }) => void (snapshots['another'] = later(1, '78')));
      await decide(handle, REPLICA);
      expect((await viewOf(handle)).result).toMatchObject({
        ...{ outcome: 'Failed', unchanged: true },
        failure: { type: 'GateRefused', message: expect.stringContaining('@another') as unknown },
      });
      expect(Object.keys(replicas()[REPLICA]?.snapshots ?? {})).toContain('by-hand');
    },
    TIMEOUT_MS,
  );

  it.each([
    ['edge-data', 'AlreadySo', 'is up to date'],
    ['nope', 'Failed', 'no replica of nope on nuc-1; it has edge-data at nuc-1 tank/replica'],
  ])(
    'of %s ends as %s and changes nothing',
    async (volume, outcome, summary) => {
      const { result } = await viewOf(await start('keep aside', volume));
      expect(result).toMatchObject({ outcome, summary: expect.stringContaining(summary) as unknown });
      expect(changingCommands(simulation().journal()).filter((command) => / zfs /.test(command))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'goes on where it was cut off in the middle',
    async () => {
      await simulation().addFault({
        tool: 'zfs',
        args: '^set ',
        when: 'before',
        times: 1,
        effect: { type: 'unreachable' },
      });

      const handle = await start('keep aside');
      await asked(handle);
      await decide(handle);
      const view = await viewOf(handle);
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(replicas()[`tank/replica-home-data-${view.name}`]?.properties).toMatchObject({
        'runbook:kept': view.name,
      });
      expect(replicas()[REPLICA]).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
