import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';
import { backingUp, KEY, SOURCE } from './backing-up.ts';

/** What goes wrong with copies, on real pools. Each has a place of its own on the receiver. */

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const hands = backingUp(lab, worker);
const { backUp, start, write, replica, snapshotsOn, sumsOfReplica, sumsOfSource, token, underWay } = hands;
jest.setTimeout(15 * 60_000);

const EVERYTHING = { last: 100, daily: 0 };

const on =
  (host: string) =>
  (script: string): Promise<string> =>
    text(host, 'sh', '-ec', script);
const [onSender, onReceiver] = [on('n1'), on('n2')];

const problemsOf = ({ copies = [] }: RunView): string[] =>
  copies.map(({ outcome, problem }) => problem?.type ?? outcome);

/** Cuts a first copy off in the middle: a part of it stays. */
async function leaveAPart(): Promise<void> {
  await write('large', 200);
  const run = await start();
  await underWay();
  await run.cancel();
  expect(outcomeOf(await viewOf(run))).toBe('Failed Cancelled');
  expect(await token()).toMatch(/^1-/);
}

/** Takes away what the source has, as Incus’s expiry does. */
async function expireAll(): Promise<void> {
  for (const name of await snapshotsOn('n1', SOURCE))
    await text(
      'n1',
      'incus',
      'storage',
      'volume',
      'snapshot',
      'delete',
      'local',
      'g1-data',
      name.replace('snapshot-', ''),
    );
}

async function isWhole(): Promise<void> {
  expect(await sumsOfReplica()).toBe(await sumsOfSource());
  expect(await onSender(`zfs list -Ht snapshot -o name ${SOURCE} | xargs -r zfs holds -H`)).toBe('');
}

describe('copies on real pools', () => {
  let places = 0;
  const declare = (declared: Parameters<typeof hands.declare>[0] = {}): Promise<void> =>
    hands.declare({ place: `tank/case-${(places += 1)}`, keep: EVERYTHING, ...declared });
  beforeAll(async () => {
    await write('first', 2);
    await hands.giveKey();
  });
  // The pools are small.
  afterEach(async () => {
    await lab().heal('n2');
    await expireAll();
    await onReceiver(`
      for place in $(zfs list -Ho name -d 1 tank | grep -E '/(case|other)-'); do
        zfs list -rHt snapshot -o name "$place" | xargs -r zfs holds -H |
          awk -F '\\t' '{ print $2; print $1 }' | xargs -r -n 2 zfs release
        zfs destroy -r "$place"
      done`);
  });

  it('a replica that was written to takes nothing, and keeps what was written', async () => {
    await declare();
    expect(outcomeOf(await backUp())).toBe('Done');
    await onReceiver(`
      zfs set readonly=off mountpoint=/mnt/written ${replica()}; zfs mount ${replica()}
      echo mine >/mnt/written/mine; zfs umount ${replica()}; zfs set readonly=on mountpoint=none ${replica()}`);
    await write('more', 1);
    expect(problemsOf(await backUp())).toEqual(['ReplicaModified']);
    const kept = `zfs set mountpoint=/mnt/written ${replica()}; zfs mount ${replica()}; cat /mnt/written/mine; zfs umount ${replica()}`;
    expect(await onReceiver(kept)).toBe('mine');
  });

  it('a part whose snapshot is gone at the source is thrown away, and all is sent', async () => {
    await declare();
    await leaveAPart();
    await expireAll();
    expect(outcomeOf(await backUp())).toBe('Done');
    await isWhole();
  });

  it('a part that was begun with other flags is thrown away, and all is sent', async () => {
    await declare();
    await text('n1', 'incus', 'storage', 'volume', 'snapshot', 'create', 'local', 'g1-data', 'plain');
    const ssh = `ssh -i ${KEY} -o StrictHostKeyChecking=accept-new root@${lab().address('n2')}`;
    await onReceiver(`zfs create -o readonly=on -o canmount=off ${replica().replace(/\/[^/]+$/, '')}`);
    await onSender(
      `zfs send ${SOURCE}@snapshot-plain | head -c 20000000 | ${ssh} zfs receive -s -u ${replica()} || true`,
    );
    expect(await token()).toMatch(/^1-/);
    expect(outcomeOf(await backUp())).toBe('Done');
    await isWhole();
  });

  it('a transfer that does not move any more is noticed, ended and gone on with', async () => {
    await declare({ direct: true, policy: { stallTimeout: '20s' } });
    await write('large', 200);
    const run = await start();
    await underWay();
    await onSender('pkill -STOP -x ssh');
    expect(outcomeOf(await viewOf(run))).toBe('Done');
    await isWhole();
    expect((await lab().run('n1', ['pgrep', '-x', 'ssh'])).exitCode).toBe(1);
  });

  it('an ssh that is killed in the middle takes nothing along but itself', async () => {
    await declare({ direct: true });
    await write('large', 200);
    const run = await start();
    await underWay();
    await onSender('pkill -KILL -x ssh');
    const view = await viewOf(run);
    expect(outcomeOf(view)).toBe('Done');
    await isWhole();
  });

  it('one snapshot that is held or cloned does not keep the others from being pruned', async () => {
    await declare();
    for (const night of [1, 2, 3, 4]) {
      await write(`night-${night}`, 1);
      expect(outcomeOf(await backUp())).toBe('Done');
    }
    const [held = '', cloned = '', ...others] = (await snapshotsOn('n2', replica())).slice(-4);
    await onReceiver(
      `zfs hold mine ${replica()}@${held}; zfs clone -o mountpoint=none ${replica()}@${cloned} tank/clone`,
    );
    const before = await snapshotsOn('n2', replica());
    await hands.declare({ place: replica().replace(/\/[^/]+$/, ''), keep: { last: 1, daily: 0 } });
    await write('night-5', 1);
    const view = await backUp();
    expect(outcomeOf(view)).toBe('Done');
    const left = await snapshotsOn('n2', replica());
    expect(left).toEqual([held, cloned, view.name.replace('runbook-', 'snapshot-backup-')]);
    expect(before).toEqual(expect.arrayContaining(others));
    await onReceiver(`zfs release mine ${replica()}@${held}; zfs destroy tank/clone`);
    await isWhole();
  });

  it('holds that a killed run has left are let go', async () => {
    await declare();
    expect(outcomeOf(await backUp())).toBe('Done');
    const [newest = ''] = (await snapshotsOn('n1', SOURCE)).slice(-1);
    const bookmarks = await onSender(`zfs list -Ht bookmark -o name -s createtxg ${SOURCE} | tail -1`);
    const tag = bookmarks.replace(/^.*#runbook-/, 'runbook:').replace(/-[0-9a-f]+$/, '');
    await onSender(`zfs hold ${tag} ${SOURCE}@${newest}`);
    await write('more', 1);
    expect(outcomeOf(await backUp())).toBe('Done');
    await isWhole();
  });

  it('a receiver that was off for longer than the source keeps anything takes what is new', async () => {
    await declare();
    expect(outcomeOf(await backUp())).toBe('Done');
    const first = await snapshotsOn('n2', replica());
    await lab().cut('n2');
    await write('meanwhile', 2);
    expect(problemsOf(await backUp())).toEqual(['Unreachable']);
    await expireAll();
    await lab().heal('n2');
    await lab().online();
    const view = await backUp();
    expect(outcomeOf(view)).toBe('Done');
    const there = await snapshotsOn('n2', replica());
    expect(there).toEqual([...first, view.name.replace('runbook-', 'snapshot-backup-')]);
    await isWhole();
  });

  it('a receiver without space is said to be so, and gone on with when it has some', async () => {
    await declare();
    const place = replica().replace(/\/[^/]+$/, '');
    await onReceiver(`zfs create -o readonly=on -o canmount=off -o quota=40M ${place}`);
    await write('large', 200);
    const view = await backUp();
    expect(problemsOf(view)).toEqual(['NoSpace']);
    await onReceiver(`zfs set quota=none ${place}`);
    expect(outcomeOf(await backUp())).toBe('Done');
    await isWhole();
  });

  it('one replica that diverged fails itself and no other', async () => {
    const other = `tank/other-${places}`;
    const entries = {
      other: { guest: 'g1', volumes: ['g1-data'], to: [{ type: 'zfs', member: 'n2', dataset: other }] },
    };
    await declare({ entries });
    expect(outcomeOf(await backUp())).toBe('Done');
    await onReceiver(`zfs snapshot ${replica()}@by-hand`);
    await write('more', 1);
    const view = await backUp();
    expect(view.result?.outcome).toBe('Failed');
    expect(problemsOf(view).sort()).toEqual(['Diverged', 'copied']);
    expect((await snapshotsOn('n2', replica())).at(-1)).toBe('by-hand');
  });

  it('an encrypted volume is copied as it is, also while its key is away, and can be had back with the key', async () => {
    // Incus knows a volume by the name of its dataset: an encrypted one takes the place of the one that it made.
    const volume = 'tank/incus/custom/default_g1-secret';
    await onSender(`
      incus storage volume create local g1-secret; zfs destroy -r ${volume}
      head -c 32 /dev/urandom >/root/zfs-key
      zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/zfs-key -o mountpoint=legacy ${volume}
      mkdir -p /mnt/secret; mount -t zfs ${volume} /mnt/secret
      head -c 3000000 /dev/urandom >/mnt/secret/file; sha256sum /mnt/secret/file >/root/sum
      umount /mnt/secret; incus config device add g1 secret disk pool=local source=g1-secret path=/srv/secret`);
    const place = `tank/case-${(places += 1)}`;
    const to = [{ type: 'zfs', member: 'n2', dataset: place }];
    await hands.declare({ place, volumes: ['g1-secret'], more: { volumes: ['g1-secret'], to } });
    const copy = `${place}/g1-secret`;
    expect(outcomeOf(await backUp())).toBe('Done');
    await onSender(`incus config device remove g1 secret; zfs unload-key ${volume}`);
    await onSender(
      `incus config device add g1 secret disk pool=local source=g1-secret path=/srv/secret required=false || true`,
    );
    expect(await text('n2', 'zfs', 'get', '-Ho', 'value', 'encryption,keystatus', copy)).toBe(
      'aes-256-gcm\nunavailable',
    );
    const ssh = `ssh -i ${KEY} -o StrictHostKeyChecking=accept-new root@${lab().address('n2')}`;
    const back = await onSender(`
      newest=$(${ssh} zfs list -Ht snapshot -o name -s createtxg ${copy} | tail -1)
      ${ssh} zfs send -w "$newest" | zfs receive -u tank/back
      zfs load-key -L file:///root/zfs-key tank/back; zfs set mountpoint=/mnt/secret tank/back
      sha256sum -c /root/sum; zfs umount tank/back; zfs destroy -r tank/back`);
    expect(back).toMatch(/: OK$/);
  });

  it('a replica of a volume with fifty snapshots has all of them', async () => {
    await declare();
    for (let ten = 0; ten < 5; ten += 1)
      await onSender(`for n in $(seq 10); do incus storage volume snapshot create local g1-data many-${ten}-$n; done`);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await snapshotsOn('n2', replica())).toEqual(await snapshotsOn('n1', SOURCE));
    await isWhole();
    await eventually('they are gone', async () => {
      await expireAll();
      return (await snapshotsOn('n1', SOURCE)).length === 0;
    });
  });
});
