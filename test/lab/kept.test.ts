import { describe, expect, it } from '@jest/globals';
import type { KeptView } from '../../plan/kept.ts';
import type { RunView } from '../../plan/run.ts';
import type { kept } from '../../workflows/kept.ts';
import { DECIDE_UPDATE, KEPT_WORKFLOW, TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import type { releaseKept } from '../../workflows/release-kept.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const FOLDER = '/var/lib/runbook/set-aside';
const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);

/** These hosts have no ZFS: what is kept there are folders. */
describe('what is kept on real hosts', () => {
  it('is listed, and released by its typed name with nothing of what is mounted in it', async () => {
    await text(
      'n2',
      'mkdir',
      '-p',
      `${FOLDER}/run-1/database`,
      `${FOLDER}/run-1/mounted`,
      `${FOLDER}/run-2`,
      '/data/mine',
    );
    await text('n2', 'touch', `${FOLDER}/run-1/database/local.db`, '/data/mine/photo');
    await text('n2', 'mount', '-t', 'tmpfs', 'none', `${FOLDER}/run-1/mounted`);
    await text('n2', 'touch', `${FOLDER}/run-1/mounted/photo`);
    const fleet = { revision: (await lab().setSpec('n1', {})).trim() };
    const { client } = worker().env;
    const list = (): Promise<KeptView> =>
      client.workflow.execute<typeof kept>(KEPT_WORKFLOW, {
        taskQueue: TASK_QUEUE,
        workflowId: `${KEPT_WORKFLOW}/test`,
        args: [{ fleet }],
      });
    const view = await list();
    expect(view.silent).toEqual([]);
    expect(view.kept.map(({ member, kind, name }) => [member, kind, name]).sort()).toEqual([
      ['n2', 'folder', 'run-1'],
      ['n2', 'folder', 'run-2'],
    ]);
    const start = (name: string) =>
      client.workflow.start<typeof releaseKept>('releaseKept', {
        taskQueue: TASK_QUEUE,
        workflowId: 'release-kept/n2',
        args: [{ fleet, actor: 'tester', member: 'n2', name }],
      });
    const release = async (name: string): Promise<RunView> => {
      const handle = await start(name);
      const view = () => handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
      await eventually('it asks', async () => (await view())?.approval !== undefined, 60_000);
      await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'no', name }] });
      return viewOf(handle);
    };
    expect((await release('run-2')).result).toMatchObject({ outcome: 'Done' });
    expect(await text('n2', 'ls', FOLDER)).toBe('run-1');
    // What is mounted stays, and with it the folder: so it says.
    expect((await release('run-1')).result).toMatchObject({ outcome: 'Failed' });
    expect(await text('n2', 'ls', `${FOLDER}/run-1/mounted`)).toBe('photo');
    await text('n2', 'umount', `${FOLDER}/run-1/mounted`);
    expect((await release('run-1')).result).toMatchObject({ outcome: 'Done' });
    expect((await list()).kept).toEqual([]);
    expect((await viewOf(await start('run-1'))).result).toMatchObject({ outcome: 'AlreadySo' });
  }, 180_000);
});
