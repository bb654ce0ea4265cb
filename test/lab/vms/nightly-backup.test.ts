import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { RunView } from '../../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY } from '../../../workflows/messages.ts';
import type { nightlyBackup } from '../../../workflows/nightly-backup.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { aLab } from '../a-lab.ts';
import { handsOn, outcomeOf } from '../hands.ts';
import { aLabWorker } from '../worker.ts';

const lab = aLab('vms');
const worker = aLabWorker(lab);
const { text } = handsOn(lab);
jest.setTimeout(20 * 60_000);

const SOURCE = 'tank/incus/custom/default_g1-data';
const REPLICA = 'tank/replicas/g1-data';
const KEY = '/root/replication-key';

type Run = WorkflowHandle<typeof nightlyBackup>;
let revision = '';

/** The copies of g1’s volume go to n2, and a yes to `direct` from host to host. */
async function declareBackup({ direct = false, more = {} }: { direct?: boolean; more?: object } = {}): Promise<void> {
  const file = join(lab().repo, 'runbook.yaml');
  const path = direct ? { path: { type: 'direct', identityFile: KEY, hostKey: lab().facts.hostKeys['n2'] ?? '' } } : {};
  const to = [{ type: 'zfs', member: 'n2', dataset: 'tank/replicas', keep: { last: 2, daily: 0 }, ...path }];
  const fleet = parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, stringify({ ...fleet, backups: { g1: { guest: 'g1', to, ...more } } }));
  revision = (await lab().setSpec('n1', {})).trim();
}

const start = (): Promise<Run> =>
  worker().env.client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
    taskQueue: TASK_QUEUE,
    workflowId: 'nightly-backup/all',
    args: [{ fleet: { revision }, actor: 'tester', planOnly: false }],
  });
const backUp = async (): Promise<RunView> => viewOf(await start());

const write = (name: string, megabytes: number): Promise<string> =>
  text('g1', 'sh', '-ec', `dd if=/dev/urandom of=/srv/data/${name} bs=1M count=${megabytes} 2>/dev/null; sync`);
const SUMS = 'find . -type f -exec sha256sum {} + | sort';
const sumsOfSource = (): Promise<string> => text('g1', 'sh', '-ec', `cd /srv/data; ${SUMS}`);
/** What the newest snapshot of the replica has in it, by a clone that is gone afterwards. */
const sumsOfReplica = (): Promise<string> =>
  text(
    'n2',
    'sh',
    '-ec',
    `newest=$(zfs list -Ht snapshot -o name -s createtxg ${REPLICA} | tail -1)
    zfs clone -o mountpoint=/mnt/look "$newest" tank/look
    cd /mnt/look; ${SUMS}
    cd /; zfs destroy tank/look`,
  );
const snapshotsOn = async (host: string, dataset: string): Promise<string[]> =>
  (await text(host, 'zfs', 'list', '-Ht', 'snapshot', '-o', 'name', '-s', 'createtxg', dataset))
    .split('\n')
    .map((name) => name.replace(/^.*@/, ''));
const tokenOf = (): Promise<string> => text('n2', 'zfs', 'get', '-Ho', 'value', 'receive_resume_token', REPLICA);

/** Resolves once so much of the transfer has come that a loss of power leaves a part of it. */
const underWay = (): Promise<void> =>
  eventually(
    'a part has arrived',
    async () => {
      const { exitCode, stdout } = await lab().run('n2', ['zfs', 'get', '-Hpo', 'value', 'used', REPLICA]);
      return exitCode === 0 && Number(stdout) > 5_000_000;
    },
    5 * 60_000,
  );
const runningStep = async (run: Run): Promise<string | undefined> =>
  (await run.query<RunView>(VIEW_QUERY)).steps.find(({ state }) => state === 'running')?.id;

describe('nightly-backup on virtual hosts', () => {
  beforeEach(async () => {
    await lab().reset();
    await declareBackup();
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
    const input = await readFile(lab().identityFile, 'utf8');
    await lab().run('n1', ['sh', '-c', 'umask 77; cat >"$1"', 'sh', KEY], { input });
    await declareBackup({ direct: true });
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
      if (who === 'sender') expect(await tokenOf()).toMatch(/^1-/);
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
    expect(await tokenOf()).toMatch(/^1-/);
    expect(outcomeOf(await backUp())).toBe('Done');
    expect(await sumsOfReplica()).toBe(await sumsOfSource());
  });

  it('leaves a replica alone that has diverged', async () => {
    await write('file', 4);
    expect(outcomeOf(await backUp())).toBe('Done');
    await text('n2', 'zfs', 'snapshot', `${REPLICA}@by-hand`);
    const before = await snapshotsOn('n2', REPLICA);
    await write('more', 4);
    expect(outcomeOf(await backUp())).toBe('Failed GateRefused');
    expect(await snapshotsOn('n2', REPLICA)).toEqual(before);
  });

  it('runs the hooks of the guest around its snapshot', async () => {
    const log = (word: string): string[] => [
      'sh',
      '-c',
      `echo ${word} >>/root/hooks; ls /run/runbook-hooks >>/root/hooks`,
    ];
    await declareBackup({ more: { hooks: { before: log('before'), after: log('after') } } });
    await write('file', 4);
    const view = await backUp();
    expect(outcomeOf(view)).toBe('Done');
    expect(await text('g1', 'cat', '/root/hooks')).toBe(`before\n${view.name}-g1\nafter`);
  });
});
