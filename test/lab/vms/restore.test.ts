import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Decision, RunView } from '../../../plan/run.ts';
import {
  DECIDE_UPDATE,
  TASK_QUEUE,
  VIEW_QUERY,
  type DecideArgs,
  type RestoreInput,
} from '../../../workflows/messages.ts';
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

  const approve = async (run: WorkflowHandle<typeof restore>): Promise<RunView> => {
    await eventually('it asks', async () => (await run.query<RunView>(VIEW_QUERY)).approval !== undefined, 60_000);
    const answer = { approved: true, actor: 'tester', reason: 'a test', name: 'g1-data' };
    await run.executeUpdate<Decision, [DecideArgs]>(DECIDE_UPDATE, { args: [answer] });
    return viewOf(run);
  };
  const inPlace = async (wish: Partial<RestoreInput> = {}): Promise<RunView> =>
    approve(await start({ inPlace: true, ...wish }));
  const snapshotsListed = async (): Promise<string[]> => {
    const path = '/1.0/storage-pools/local/volumes/custom/g1-data/snapshots?target=n1&recursion=1';
    const listed = JSON.parse(await text('n1', 'incus', 'query', path)) as { name: string }[];
    return listed.map(({ name }) => `snapshot-${name.replace(/^.*\//, '')}`);
  };

  it('gives the copy the original’s place, whose guest has it again, and keeps what was there', async () => {
    const then = await backedUp(4);
    await write('later', 1);
    const now = await sumsOfSource();
    const configured = await text('n1', 'incus', 'storage', 'volume', 'show', 'local', 'g1-data');
    const view = await inPlace();
    expect(outcomeOf(view)).toBe('Done');
    expect(await ofSource()).toBe(then);
    await text('g1', 'touch', '/srv/data/new');
    expect(await text('n1', 'incus', 'storage', 'volume', 'show', 'local', 'g1-data')).toBe(configured);
    // What Incus lists is there.
    expect(await snapshotsOn('n1', SOURCE)).toEqual(expect.arrayContaining(await snapshotsListed()));
    const aside = `tank/incus-g1-data-${view.name}`;
    await text('n1', 'mount', '-t', 'zfs', '-o', 'ro', aside, '/mnt');
    expect(await text('n1', 'sh', '-ec', 'cd /mnt; find . -type f -exec sha256sum {} + | sort', 'sh')).toBe(now);
    await text('n1', 'umount', '/mnt');
    expect(await text('n1', 'zfs', 'get', '-Hpo', 'value', 'runbook:kept', aside)).toBe(view.name);
    // Incus makes, lists and deletes snapshots as before; the next night is as every night.
    await text('n1', 'incus', 'storage', 'volume', 'snapshot', 'create', 'local', 'g1-data', 'mine');
    await text('n1', 'incus', 'storage', 'volume', 'snapshot', 'delete', 'local', 'g1-data', 'mine');
    expect(outcomeOf(await backUp())).toBe('Done');
  });

  it('puts the original back where its guest is not healthy with the copy', async () => {
    const probe = { type: 'command', argv: ['test', '-e', '/srv/data/later'], timeout: '10s', for: '10s' };
    await declare({ guest: { probes: [probe] } });
    await backedUp(4);
    await write('later', 1);
    const now = await sumsOfSource();
    const before = await snapshotsOn('n1', SOURCE);
    const view = await inPlace();
    expect(outcomeOf(view)).toBe('RolledBack Unhealthy');
    expect(await sumsOfSource()).toBe(now);
    expect(await snapshotsOn('n1', SOURCE)).toEqual(before);
    expect(await snapshotsOn('n1', SOURCE)).toEqual(await snapshotsListed());
  });

  it('goes on in place where the worker is killed', async () => {
    const then = await backedUp(100);
    const run = await start({ inPlace: true });
    const ended = approve(run);
    await eventually(
      'guests are stopped',
      async () =>
        (await run.query<RunView>(VIEW_QUERY)).steps.some(({ id, state }) => id === 'stop' && state !== 'pending'),
      5 * 60_000,
    );
    await worker().kill();
    await worker().restart();
    expect((await ended).result).toMatchObject({ outcome: 'Done' });
    expect(await ofSource()).toBe(then);
  });
});
