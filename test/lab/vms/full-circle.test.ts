import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunView } from '../../../plan/run.ts';
import { TASK_QUEUE } from '../../../workflows/messages.ts';
import type { restore } from '../../../workflows/restore.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';
import { backingUp } from './backing-up.ts';

/** Written, copied at night, destroyed at the source, brought back under its name: what is in it is the same. */

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
const { declare, backUp, revision } = backingUp(lab, worker);
jest.setTimeout(15 * 60_000);

const on = (script: string): Promise<string> => text('n1', 'sh', '-ec', script);

describe('a full circle on real pools', () => {
  let volume = '';
  let dataset = '';
  const backUpAndDestroy = async (): Promise<void> => {
    await declare({ place: `tank/${volume}`, volumes: [volume], more: { volumes: [volume] } });
    expect(outcomeOf(await backUp())).toBe('Done');
    await on(`incus storage volume delete local ${volume}`);
    expect((await lab().run('n1', ['zfs', 'list', dataset])).exitCode).toBe(1);
  };
  const bring = async (): Promise<RunView> =>
    viewOf(
      await worker().env.client.workflow.start<typeof restore>('restore', {
        taskQueue: TASK_QUEUE,
        workflowId: `restore/${volume}`,
        args: [
          {
            ...{ fleet: { revision: revision() }, actor: 'tester', planOnly: false },
            ...{ project: 'default', volume, to: volume },
          },
        ],
      }),
    );
  /** What is in it, by the host: as an instance would have it. */
  const sums = (): Promise<string> =>
    on(`
      mkdir -p /mnt/look; mount -t zfs -o ro ${dataset} /mnt/look
      cd /mnt/look; find . -type f -print0 | sort -z | xargs -0 sha256sum; cd /; umount /mnt/look`);
  const fill = (): Promise<string> =>
    on(`
      mkdir -p /mnt/look; mount -t zfs ${dataset} /mnt/look; cd /mnt/look
      mkdir -p 'a folder/ünïcødé 名前'
      head -c 2000000 /dev/urandom >'a folder/ünïcødé 名前/ein "Stück" $HOME'
      printf 'a\\nb' >"$(printf -- '-line\\nbreak')"
      head -c 1000000 /dev/urandom >plain; cd /; umount /mnt/look`);

  beforeAll(async () => {
    await lab().reset();
  });
  const named = (name: string): void => {
    volume = name;
    dataset = `tank/incus/custom/default_${name}`;
  };

  it('brings back a volume with names of all kinds', async () => {
    named('g1-names');
    await on(`incus storage volume create local ${volume}`);
    await fill();
    const then = await sums();
    await backUpAndDestroy();
    expect(outcomeOf(await bring())).toBe('Done');
    expect(await sums()).toBe(then);
  });

  it('brings back a volume with fifty snapshots', async () => {
    named('g1-fifty');
    await on(`incus storage volume create local ${volume}`);
    await fill();
    await on(`for n in $(seq 50); do incus storage volume snapshot create local ${volume} many-$n; done`);
    const then = await sums();
    await backUpAndDestroy();
    expect(outcomeOf(await bring())).toBe('Done');
    expect(await sums()).toBe(then);
  });

  it('brings back a block device', async () => {
    named('g1-block');
    await on(`
      incus storage volume create local ${volume} --type=block size=16MiB
      zfs set volmode=full ${dataset}; udevadm settle
      head -c 9000000 /dev/urandom | dd of=/dev/zvol/${dataset} conv=fsync 2>/dev/null`);
    const digest = `zfs set volmode=full ${dataset}; udevadm settle; sha256sum </dev/zvol/${dataset}`;
    const then = await on(digest);
    await on(`zfs inherit volmode ${dataset}`);
    await backUpAndDestroy();
    expect(outcomeOf(await bring())).toBe('Done');
    expect(await on(digest)).toBe(then);
  });

  it('brings back an encrypted one, once its key is loaded', async () => {
    named('g1-secret');
    // Incus knows a volume by the name of its dataset: an encrypted one takes the place of the one that it made.
    await on(`
      incus storage volume create local ${volume}; zfs destroy -r ${dataset}
      head -c 32 /dev/urandom >/root/zfs-key
      zfs create -o encryption=on -o keyformat=raw -o keylocation=file:///root/zfs-key -o mountpoint=legacy ${dataset}`);
    await fill();
    const then = await sums();
    await backUpAndDestroy();
    expect((await bring()).result?.failure?.message).toContain('key');
    await on(`zfs load-key -L file:///root/zfs-key ${dataset}`);
    expect(outcomeOf(await bring())).toBe('Done');
    expect(await sums()).toBe(then);
  });
});
