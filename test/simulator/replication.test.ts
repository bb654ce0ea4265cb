import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Host, JobState } from '../../hosts/host.ts';
import { directSshArgv } from '../../hosts/ssh-direct.ts';
import { knownHostsLine } from '../../hosts/ssh-options.ts';
import { createSshHost } from '../../hosts/ssh.ts';
import { hostKeyOf } from '../../simulator/core/host-key.ts';
import type { Simulation } from '../../simulator/create.ts';
import { zfsInventory, type ReplicationDataset } from '../../tools/zfs-inventory.ts';
import { createZfsReplication } from '../../tools/zfs-replication.ts';
import { createZfsResume } from '../../tools/zfs-resume.ts';
import { readTransfer, type StepOutcome } from '../../tools/zfs-transfer-output.ts';
import { transferJob, type Transfer } from '../../tools/zfs-transfer.ts';
import { eventually } from '../hosts/eventually.ts';
import { buildSimulator, type Simulator } from './built-simulator.ts';
import { runOn } from './client.ts';

jest.setTimeout(120_000);

const SOURCE = 'zpool/incus/custom/default_edge-data';
const REPLICA = 'tank/replica/edge-data';
const FLAGS = { raw: false, compressed: true, largeBlocks: true };

describe('replication over the simulated fleet', () => {
  let simulator: Simulator;
  let simulation: Simulation;
  let sender: Host;
  let receiver: Host;
  let jobs = 0;
  beforeAll(async () => {
    simulator = await buildSimulator();
  });
  beforeEach(async () => {
    simulation = await simulator.create();
    sender = hostOf('elitedesk-1');
    receiver = hostOf('nuc-1');
  });
  afterAll(async () => {
    await simulator.dispose();
  });

  function hostOf(name: string): Host {
    const { address } = simulation.readState().machines[name] ?? { address: '' };
    return createSshHost({
      ...{ name, address, user: 'root', port: 22, hostKey: hostKeyOf(name) },
      ...{ controlDir: join(simulation.dir, 'ssh'), sshProgram: join(simulation.binDir, 'ssh') },
    });
  }

  async function dataset(host: Host, name: string): Promise<ReplicationDataset> {
    const answer = await zfsInventory(host, name);
    if (answer.type !== 'inventory' || !answer.datasets[0]) throw new Error(JSON.stringify(answer));
    return answer.datasets[0];
  }

  /** As Incus does it. */
  async function snapshot(name: string): Promise<void> {
    const url = '/1.0/storage-pools/zpool/volumes/custom/edge-data/snapshots';
    const argv = ['incus', 'query', '-X', 'POST', '--wait', '-d', JSON.stringify({ name }), url];
    expect((await sender.run(argv, { timeoutMs: 30_000 })).exitCode).toBe(0);
  }

  const full = (to: string, target: string): Transfer => ({
    ...{ source: SOURCE, target, to: { name: to }, flags: FLAGS, initial: true, kind: 'filesystem' },
  });

  const increment = async (to: string, more: Partial<Transfer> = {}): Promise<Transfer> => ({
    ...{ source: SOURCE, target: REPLICA, to: { name: to }, flags: FLAGS, initial: false, kind: 'filesystem' },
    from: { name: (await dataset(sender, SOURCE)).bookmarks[0]?.name ?? '', kind: 'bookmark' },
    ...more,
  });

  async function start(...steps: Transfer[]): Promise<string> {
    const folder = '/var/lib/runbook/known-hosts';
    await sender.run(['mkdir', '-p', '-m', '700', folder], { timeoutMs: 30_000 });
    await sender.putFile(`${folder}/nuc-1`, knownHostsLine('nuc-1', hostKeyOf('nuc-1')));
    const knownHostsFile = `${folder}/nuc-1`;
    const receive = directSshArgv({ name: 'nuc-1', address: '10.0.0.13', user: 'root', port: 22, knownHostsFile });
    const name = `run-send-${++jobs}`;
    const started = await sender.jobs.start(transferJob(name, 'send-x', 60_000, steps, { receive }));
    expect(started).toEqual({ type: 'started' });
    return name;
  }

  async function ended(name: string): Promise<Extract<JobState, { type: 'ended' }>> {
    let state: JobState = { type: 'absent' };
    await eventually(
      'the job has ended',
      async () => {
        state = await sender.jobs.status(name, { waitMs: 5_000 });
        return state.type === 'ended';
      },
      60_000,
    );
    return state as unknown as Extract<JobState, { type: 'ended' }>;
  }

  async function transfer(...steps: Transfer[]): Promise<StepOutcome[]> {
    return readTransfer((await ended(await start(...steps))).stdout, steps.length);
  }

  it('sends an increment from a bookmark, and the replica has the very snapshot', async () => {
    await snapshot('one');
    expect(await transfer(await increment('snapshot-one'))).toEqual([{ type: 'sent' }]);
    const [sent, arrived] = [await dataset(sender, SOURCE), await dataset(receiver, REPLICA)];
    expect(arrived.snapshots.at(-1)).toMatchObject({ name: 'snapshot-one', guid: sent.snapshots[0]?.guid });
    expect(arrived).toMatchObject({ readonly: true, mounted: false, writtenBytes: 0 });
    expect(simulation.unknown()).toEqual([]);
  });

  it('sends a first snapshot, and the next one after it', async () => {
    await snapshot('one');
    await snapshot('two');
    const target = 'tank/replica/new place';
    const first = full('snapshot-one', target);
    const from = { name: 'snapshot-one', kind: 'snapshot' } as const;
    const next = await increment('snapshot-two', { target, from });
    expect(await transfer(first, next)).toEqual([{ type: 'sent' }, { type: 'sent' }]);
    expect((await dataset(receiver, target)).snapshots.map(({ name }) => name)).toEqual([
      'snapshot-one',
      'snapshot-two',
    ]);
  });

  it('goes on where a send was killed in the middle', async () => {
    await snapshot('one');
    const step = await increment('snapshot-one');
    const fault = await simulation.addFault({ tool: '.zfs-sends', args: ' 2$', times: 1, effect: { type: 'pause' } });
    const name = await start(step);
    await eventually('the send is in its middle', () => simulation.isPaused(fault), 30_000);
    await sender.jobs.stop(name);
    expect(readTransfer((await ended(name)).stdout, 1)).toEqual([{ type: 'cut off' }]);
    const partial = () => simulation.readState().machines['nuc-1']?.datasets[REPLICA]?.partial;
    await eventually('the receiver has ended', () => partial()?.pid === 0, 30_000);
    const { token = '', snapshots } = await dataset(receiver, REPLICA);
    expect(snapshots).toHaveLength(1);
    const read = await createZfsResume(sender).readToken(token);
    expect(read).toMatchObject({ type: 'token', toName: `${SOURCE}@snapshot-one`, bytes: 20_000, sendable: true });
    expect(await transfer(step)).toMatchObject([{ type: 'failed', problem: 'partial' }]);
    expect(await transfer({ ...step, resume: token })).toEqual([{ type: 'sent' }]);
    expect((await dataset(receiver, REPLICA)).snapshots).toHaveLength(2);
  });

  it('gives up what has arrived, and of a first receive the dataset with it', async () => {
    await snapshot('one');
    const step = full('snapshot-one', 'tank/replica/new');
    await simulation.addFault({
      ...{ tool: '.zfs-sends', args: ' 2$', times: 1 },
      effect: { type: 'fail', exitCode: 1, stderr: "warning: cannot send 'x': signal received" },
    });
    expect(await transfer(step)).toMatchObject([{ type: 'failed', problem: 'interrupted' }]);
    const there = createZfsResume(receiver);
    expect(await there.abortPartial('tank/replica/new')).toEqual({ type: 'aborted' });
    expect(await there.abortPartial('tank/replica/new')).toEqual({ type: 'not found', what: 'tank/replica/new' });
    expect(await there.abortPartial(REPLICA)).toEqual({ type: 'none' });
  });

  it('refuses what has diverged, and goes on with the others', async () => {
    await snapshot('one');
    await simulation.store.update((state) => {
      const dataset = state.machines['nuc-1']?.datasets[REPLICA];
      if (dataset) dataset.written = 1000;
    });
    await runOn(simulation, 'nuc-1', ['zfs', 'snapshot', `${REPLICA}@by-hand`]);
    const one = { name: 'snapshot-one', kind: 'snapshot' } as const;
    await snapshot('two');
    expect(
      await transfer(
        await increment('snapshot-one'),
        await increment('snapshot-two', { target: 'tank/replica/home-data', from: one }),
        await increment('snapshot-one', { target: 'tank/replica/none' }),
      ),
    ).toMatchObject([
      { type: 'failed', problem: 'modified' },
      { type: 'failed', problem: 'other source' },
      { type: 'failed', problem: 'not found' },
    ]);
  });

  it('keeps what is held or cloned, also from Incus', async () => {
    for (const name of ['one', 'two', 'three']) await snapshot(name);
    const [here, there] = [createZfsReplication(sender), createZfsReplication(receiver)];
    const one = `${SOURCE}@snapshot-one`;
    expect(await here.hold('runbook:x', [one, `${SOURCE}@none`])).toEqual({
      type: 'held',
      missing: [`${SOURCE}@none`],
    });
    expect(await here.hold('runbook:x', [one])).toEqual({ type: 'held', missing: [] });
    expect(await here.holds([one, `${SOURCE}@snapshot-two`])).toEqual({
      type: 'holds',
      holds: [{ snapshot: one, tag: 'runbook:x' }],
    });
    await runOn(simulation, 'nuc-1', ['zfs', 'clone', `${REPLICA}@snapshot-nightly`, 'tank/clone']);
    expect(await there.destroySnapshots(REPLICA, ['snapshot-nightly'])).toMatchObject({
      kept: [{ name: 'snapshot-nightly', why: 'has clones' }],
    });
    const url = '/1.0/storage-pools/zpool/volumes/custom/edge-data/snapshots/one';
    const refused = await runOn(simulation, 'elitedesk-1', ['incus', 'query', '-X', 'DELETE', '--wait', url]);
    expect(refused.stderr).toContain("it's being held");
    expect(await here.bookmark(SOURCE, 'snapshot-one', 'mark')).toEqual({ type: 'made' });
    expect(await here.bookmark(SOURCE, 'snapshot-one', 'mark')).toEqual({ type: 'exists' });
    await here.bookmark(SOURCE, 'snapshot-three', 'newer');
    const remove = ['incus', 'query', '-X', 'DELETE', '--wait', url.replace(/one$/, 'three')];
    expect(await runOn(simulation, 'elitedesk-1', remove)).toMatchObject({ exitCode: 0 });
    await runOn(simulation, 'elitedesk-1', [
      'incus',
      'query',
      '-X',
      'PUT',
      '--wait',
      '-d',
      '{"action":"stop"}',
      '/1.0/instances/edge-vm/state',
    ]);
    const back = ['incus', 'query', '-X', 'PUT', '--wait', '-d', '{"restore":"two"}', url.replace(/\/snapshots.*/, '')];
    expect((await runOn(simulation, 'elitedesk-1', back)).stderr).toContain(`\n${SOURCE}#newer)`);
    await here.destroyBookmark(SOURCE, 'newer');
    expect((await runOn(simulation, 'elitedesk-1', back)).exitCode).toBe(0);
    expect(await here.destroyBookmark(SOURCE, 'mark')).toEqual({ type: 'destroyed' });
    expect(await here.destroyBookmark(SOURCE, 'mark')).toEqual({ type: 'none' });
    expect(await here.release('runbook:x', [one, one])).toEqual({ type: 'released' });
    expect(await there.createParents('tank/other/deep')).toEqual({ type: 'created' });
    expect(await there.createParents('tank/other/deep')).toEqual({ type: 'exists' });
    expect(await there.createParents('none/other')).toEqual({ type: 'not found', what: 'none/other' });
    await there.hold('runbook:x', [`${REPLICA}@snapshot-nightly`]);
    expect(await here.destroySnapshots(SOURCE, ['none'])).toEqual({ type: 'destroyed', destroyed: ['none'], kept: [] });
    expect(simulation.unknown()).toEqual([]);
  });
});
