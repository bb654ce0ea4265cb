import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';
import { backingUp, runningStep, SOURCE } from './backing-up.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const { declare, giveKey, start, backUp, write, sumsOfSource, sumsOfReplica, ...there } = backingUp(lab, worker);
const { snapshotsOn, token, underWay } = there;
jest.setTimeout(20 * 60_000);

const REPLICA = 'tank/replicas/g1-data';

describe('nightly-backup on virtual hosts', () => {
  beforeEach(async () => {
    await lab().reset();
    await declare();
  });

  it('copies a volume, night after night, with what is in it, and keeps what is asked for', async () => {
    const names: string[] = [];
    for (const night of ['first', 'second', 'third']) {
      await write(night, 4);
      const view = await backUp();
      expect(outcomeOf(view)).toBe('Done');
      expect(view.copies).toMatchObject([{ volume: 'g1-data', place: 'n2 tank/replicas', outcome: 'copied' }]);
      expect(await sumsOfReplica()).toBe(await sumsOfSource());
      names.push(view.name.replace('runbook-', 'snapshot-backup-'));
    }
    expect(await snapshotsOn('n2', REPLICA)).toEqual(names.slice(-2));
    expect(await snapshotsOn('n1', SOURCE)).toEqual(names);
    expect(await text('n2', 'zfs', 'get', '-Ho', 'value', 'readonly,mounted,canmount', REPLICA)).toBe('on\nno\nnoauto');
    expect(await text('n1', 'sh', '-c', `zfs holds -H $(zfs list -Ht snapshot -o name ${SOURCE})`)).toBe('');
    expect(await text('n1', 'zfs', 'list', '-Ht', 'bookmark', '-o', 'name', SOURCE)).toMatch(/^\S+#runbook-\S+$/);
    // Incus takes what it made away as before.
    await text('n1', 'incus', 'storage', 'volume', 'snapshot', 'delete', 'local', 'g1-data', names[0]?.slice(9) ?? '');
  });

  it('sends from host to host where that is declared', async () => {
    await giveKey();
    await declare({ direct: true });
    await write('file', 4);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it.each(['worker', 'sender', 'receiver'])('goes on where it was when the %s is killed in the middle', async (who) => {
    await write('large', 300);
    const run = await start();
    await underWay();
    if (who === 'worker') {
      await worker().kill();
      await worker().restart();
    } else {
      const host = who === 'sender' ? 'n1' : 'n2';
      await lab().power.off(host);
      if (who === 'sender') expect(await token()).toMatch(/^1-/);
      await lab().power.on(host);
    }
    expect(outcomeOf(await viewOf(run))).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it('ends what it has begun when it is cancelled, and the next run goes on from there', async () => {
    await write('large', 300);
    const run = await start();
    await underWay();
    expect(await runningStep(run)).toMatch(/^copy-/);
    await run.cancel();
    expect(outcomeOf(await viewOf(run))).toBe('Failed Cancelled');
    expect((await lab().run('n2', ['pgrep', '-x', 'zfs'])).exitCode).toBe(1);
    expect(await token()).toMatch(/^1-/);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it('leaves a replica alone that has diverged', async () => {
    await write('file', 4);
    expect(outcomeOf(await backUp())).toBe('Done');
    await text('n2', 'zfs', 'snapshot', `${REPLICA}@by-hand`);
    const before = await snapshotsOn('n2', REPLICA);
    await write('more', 4);
    const view = await backUp();
    expect(outcomeOf(view)).toBe('Failed Diverged');
    expect(await snapshotsOn('n2', REPLICA)).toEqual(before);
    // It can be sent once a person has decided.
    expect((await snapshotsOn('n1', SOURCE)).at(-1)).toBe(view.name.replace('runbook-', 'snapshot-backup-'));
  });

  it('runs the hooks of the guest around its snapshot', async () => {
    const log = (word: string): string[] => [
      'sh',
      '-c',
      `echo ${word} >>/root/hooks; ls /run/runbook-hooks >>/root/hooks`,
    ];
    await declare({ more: { hooks: { before: log('before'), after: log('after') } } });
    await write('file', 4);
    const view = await backUp();
    expect(outcomeOf(view)).toBe('Done');
    // What ends a hook that nobody ends is there until `after` is over.
    const guard = `${view.name}-g1`;
    expect(await text('g1', 'cat', '/root/hooks')).toBe(`before\n${guard}\nafter\n${guard}`);
    expect(await text('g1', 'ls', '/run/runbook-hooks')).toBe('');
  });
});
