import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import type { ResolveWay } from '../../../plan/replica-resolve.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY } from '../../../workflows/messages.ts';
import type { backupsResolve } from '../../../workflows/backups-resolve.ts';
import type { restoreDrill } from '../../../workflows/restore-drill.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';
import { backingUp } from './backing-up.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const { declare, revision, backUp, write, sumsOfSource, sumsOfReplica } = backingUp(lab, worker);
jest.setTimeout(20 * 60_000);

const REPLICA = 'tank/replicas/g1-data';
const CHECK = 'test -s "$RUNBOOK_DRILL_PATH/file" && echo more >>"$RUNBOOK_DRILL_PATH/file"';

describe('what becomes of copies on virtual hosts', () => {
  beforeEach(async () => {
    await lab().reset();
    await declare({ more: { drill: { check: ['sh', '-c', CHECK] } } });
    await write('file', 8);
    expect(outcomeOf(await backUp())).toBe('Done');
  });

  const drill = async (): Promise<RunView> =>
    viewOf(
      await worker().env.client.workflow.start<typeof restoreDrill>('restoreDrill', {
        taskQueue: TASK_QUEUE,
        workflowId: 'restore-drill/all',
        args: [{ fleet: { revision: revision() }, actor: 'tester', planOnly: false }],
      }),
    );
  const resolve = async (way: ResolveWay): Promise<RunView> => {
    const run = await worker().env.client.workflow.start<typeof backupsResolve>('backupsResolve', {
      taskQueue: TASK_QUEUE,
      workflowId: 'backups-resolve/n2',
      args: [{ fleet: { revision: revision() }, actor: 'tester', volume: 'g1-data', target: 'n2', way }],
    });
    await eventually('it asks', async () => (await run.query<RunView>(VIEW_QUERY)).approval !== undefined, 5 * 60_000);
    const name = way === 'roll back' ? { name: REPLICA } : {};
    await run.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'Ada', reason: 'so be it', ...name }] });
    return viewOf(run);
  };
  const proof = async (): Promise<unknown> =>
    JSON.parse(await text('n2', 'zfs', 'get', '-Hpo', 'value', 'runbook:proven', REPLICA));
  /** As somebody does who mounts a replica and works in it. */
  const writeToReplica = (): Promise<string> =>
    text(
      'n2',
      'sh',
      '-ec',
      `zfs set readonly=off mountpoint=/mnt/replica ${REPLICA}; zfs mount ${REPLICA}
      echo other >/mnt/replica/file; sync; zfs unmount ${REPLICA}
      zfs set readonly=on mountpoint=none ${REPLICA}; zfs snapshot ${REPLICA}@by-hand`,
    );

  it('is proven where it is what its source was, and takes the next increment all the same', async () => {
    const view = await drill();
    expect(outcomeOf(view)).toBe('Done');
    expect(view.copies).toMatchObject([{ volume: 'g1-data', place: 'n2 tank/replicas', outcome: 'proven' }]);
    expect(await proof()).toMatchObject({ outcome: 'proven', seconds: expect.any(Number) as unknown });
    expect(await text('n1', 'zfs', 'list', '-Hr', '-o', 'name', 'tank/runbook-drill')).toBe('tank/runbook-drill');
    expect(await text('n1', 'sh', '-c', 'grep -c /drill/ /proc/mounts; ls -A /var/lib/runbook/drill')).toBe('0');
    await write('next', 1);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it('is rolled back by its name, and goes on', async () => {
    await writeToReplica();
    await write('next', 1);
    expect(outcomeOf(await backUp())).toBe('Failed Diverged');
    expect(outcomeOf(await resolve('roll back'))).toBe('Done');
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it('is kept aside with all that it has, and a new one is begun', async () => {
    await writeToReplica();
    const { name } = await resolve('keep aside');
    const aside = `tank/replicas-g1-data-${name}`;
    expect(await text('n2', 'zfs', 'get', '-Hpo', 'value', 'runbook:kept', aside)).toBe(name);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await text('n2', 'zfs', 'list', '-Ht', 'snapshot', '-o', 'name', aside)).toContain('@by-hand');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });
});
