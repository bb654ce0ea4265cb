import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../../plan/run.ts';
import { TASK_QUEUE, type RestoreInput } from '../../../workflows/messages.ts';
import type { restore } from '../../../workflows/restore.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';
import { backingUp, SOURCE } from './backing-up.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const { declare, backUp, write, sumsOfSource, snapshotsOn, revision } = backingUp(lab, worker);
jest.setTimeout(20 * 60_000);

const FOUND = 'tank/incus/custom/default_found';
const SUMS = 'cd "$1"; find . -type f -exec sha256sum {} + | sort; stat -c %u:%g *';

describe('restore on virtual hosts', () => {
  beforeEach(async () => {
    await lab().reset();
    await declare();
  });

  const start = (wish: Partial<RestoreInput> = {}): Promise<WorkflowHandle<typeof restore>> =>
    worker().env.client.workflow.start<typeof restore>('restore', {
      taskQueue: TASK_QUEUE,
      workflowId: 'restore/g1-data',
      args: [
        {
          ...{ fleet: { revision: revision() }, actor: 'tester', planOnly: false },
          ...{ project: 'default', volume: 'g1-data', to: 'found', ...wish },
        },
      ],
    });
  const bring = async (wish: Partial<RestoreInput> = {}): Promise<RunView> => viewOf(await start(wish));
  /** As an instance sees it: what is in it, and to whom it belongs. */
  const seenBy = async (member: string, instance: string, volume = 'found'): Promise<string> => {
    await text(member, 'incus', 'storage', 'volume', 'attach', 'local', volume, instance, '/mnt/look');
    return text(instance, 'sh', '-ec', SUMS, 'sh', '/mnt/look');
  };
  const ofSource = (): Promise<string> => text('g1', 'sh', '-ec', SUMS, 'sh', '/srv/data');
  const backedUp = async (megabytes: number): Promise<string> => {
    await write('file', megabytes);
    expect(outcomeOf(await backUp())).toBe('Done');
    return ofSource();
  };
  const config = (member: string, volume: string): Promise<string> =>
    text(member, 'incus', 'storage', 'volume', 'get', 'local', volume, 'volatile.idmap.last');

  it('brings a volume back beside the original, which stays as it is, and with its files’ owners', async () => {
    const then = await backedUp(4);
    await write('later', 1);
    const now = await sumsOfSource();
    const view = await bring();
    expect(outcomeOf(view)).toBe('Done');
    expect(await config('n1', 'found')).toBe(await config('n1', 'g1-data'));
    expect(await seenBy('n1', 'g1')).toBe(then);
    await text('g1', 'touch', '/mnt/look/new');
    expect(await sumsOfSource()).toBe(now);
    // Incus has it as its own, and takes it away again.
    expect(await snapshotsOn('n1', FOUND)).toEqual(await snapshotsOn('n1', SOURCE));
    await text('n1', 'incus', 'storage', 'volume', 'detach', 'local', 'found', 'g1');
    await text('n1', 'incus', 'storage', 'volume', 'delete', 'local', 'found');
    expect((await lab().run('n1', ['zfs', 'list', FOUND])).exitCode).toBe(1);
    // The next night is as every night.
    expect(outcomeOf(await backUp())).toBe('Done');
  });

  it('brings back what was destroyed, under its own name', async () => {
    const then = await backedUp(4);
    await text('n1', 'incus', 'storage', 'volume', 'detach', 'local', 'g1-data', 'g1');
    await text('n1', 'incus', 'storage', 'volume', 'delete', 'local', 'g1-data');
    expect(outcomeOf(await bring({ to: 'g1-data' }))).toBe('Done');
    expect((await seenBy('n1', 'g1', 'g1-data')).split('\n').slice(0, -1)).toEqual(then.split('\n').slice(0, -1));
  });

  it('restores on the host that has the replica', async () => {
    const then = await backedUp(4);
    expect(outcomeOf(await bring({ member: 'n2' }))).toBe('Done');
    expect(await seenBy('n2', 'g2')).toBe(then);
  });

  it('restores elsewhere when the member is gone, also where the worker is killed meanwhile', async () => {
    const then = await backedUp(300);
    await lab().power.off('n1');
    expect((await bring()).result?.failure?.whatToDo).toContain('--member NAME');
    const run = await start({ member: 'n3' });
    await eventually(
      'a part has arrived',
      async () => {
        const { exitCode, stdout } = await lab().run('n3', ['zfs', 'get', '-Hpo', 'value', 'used', FOUND]);
        return exitCode === 0 && Number(stdout) > 5_000_000;
      },
      5 * 60_000,
    );
    await worker().kill();
    await worker().restart();
    expect(outcomeOf(await viewOf(run))).toBe('Done');
    expect(await seenBy('n3', 'g3')).toBe(then);
  });
});
