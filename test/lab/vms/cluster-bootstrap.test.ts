import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { formingOn, MEMBERS, type Forming } from '../forming.ts';
import { handsOn } from '../hands.ts';
import { aLabWorker } from '../worker.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const { bootstrap, start, expectFormed, formOfOne, isClustered, isMarked, killAtEachStep } = formingOn(
  lab,
  worker,
  'tank/incus',
);
jest.setTimeout(20 * 60_000);

describe('forming a cluster of real hosts with OpenZFS', () => {
  beforeEach(() => lab().makeBare());

  it('makes one of three bare hosts, and has nothing to do when it is started again', async () => {
    expect((await bootstrap()).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
    for (const member of MEMBERS)
      expect(await text(member, 'zfs', 'list', '-Ho', 'name', 'tank/incus/containers')).toBe('tank/incus/containers');
    expect((await bootstrap()).result).toMatchObject({ outcome: 'AlreadySo' });
  });

  it('refuses a dataset that is not empty or not there, and changes nothing', async () => {
    await text('n2', 'zfs', 'create', 'tank/incus/photos');
    await text('n3', 'zfs', 'destroy', 'tank/incus');
    const { result } = await bootstrap();
    expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
    expect(result?.failure?.message).toContain('tank/incus on n2 is not empty: it has tank/incus/photos.');
    expect(result?.failure?.message).toContain('tank/incus is not there on n3');
    for (const member of MEMBERS) expect(await isClustered(member)).toBe(false);
    expect(await text('n2', 'zfs', 'list', '-Ho', 'name', '-r', 'tank/incus')).toBe('tank/incus\ntank/incus/photos');
  });

  it('waits for a member that loses power while it joins, and goes on', async () => {
    const run = await start();
    await eventually('n3 begins to join', () => isMarked('n3'), 5 * 60_000);
    await lab().power.off('n3');
    await lab().power.on('n3');
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  });

  it('waits for a member that is cut off while it joins, and goes on', async () => {
    const run = await start();
    await eventually('n2 begins to join', () => isMarked('n2'), 5 * 60_000);
    await lab().cut('n2');
    // Both ends have to have noticed.
    await eventually('the run waits for it', async () => (await attemptsOf(run)) > 1, 5 * 60_000);
    await lab().heal('n2');
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  });

  it('ends the same where the worker is killed at each step', async () => {
    const run = await start();
    expect((await killAtEachStep(run)).size).toBeGreaterThan(8);
    expect((await viewOf(run)).result).toMatchObject({ outcome: 'Done', left: [] });
    await expectFormed();
  });

  it('lets more members join later', async () => {
    await formOfOne('zfs');
    const view = await bootstrap();
    expect(view.result).toMatchObject({ outcome: 'Done', left: [] });
    expect(view.steps.map(({ id }) => id)).not.toContain('form-n1');
    await expectFormed();
  });
});

/** Of what the run does now. */
async function attemptsOf(run: Forming): Promise<number> {
  const { raw } = await run.describe();
  return Math.max(0, ...(raw.pendingActivities ?? []).map(({ attempt }) => attempt ?? 0));
}
