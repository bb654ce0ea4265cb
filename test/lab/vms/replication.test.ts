import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Host, JobState } from '../../../hosts/host.ts';
import { directSshArgv } from '../../../hosts/ssh-direct.ts';
import { knownHostsLine } from '../../../hosts/ssh-options.ts';
import { createSshHost } from '../../../hosts/ssh.ts';
import { address, hostNamed } from '../../../lab/nodes.ts';
import { zfsInventory, type ReplicationDataset } from '../../../tools/zfs-inventory.ts';
import { createZfsReplication } from '../../../tools/zfs-replication.ts';
import { createZfsResume } from '../../../tools/zfs-resume.ts';
import { readProgress, readTransfer, type StepOutcome } from '../../../tools/zfs-transfer-output.ts';
import { transferJob, type Transfer } from '../../../tools/zfs-transfer.ts';
import { eventually } from '../../hosts/eventually.ts';
import { aLab } from '../a-lab.ts';

const lab = aLab('vms');
jest.setTimeout(15 * 60_000);

const FOLDER = '/var/lib/runbook/transfer';
const STEP: Transfer = {
  ...{ source: 'tank/source', target: 'tank/backup/replicas/source', to: { name: 'one' }, initial: true },
  ...{ kind: 'filesystem', flags: { raw: false, compressed: true, largeBlocks: true } },
};

describe('a transfer between two real hosts', () => {
  const controlDir = mkdtempSync(join(tmpdir(), 'rb-'));
  let sender: Host;
  let receiver: Host;
  let receive: string[] = [];
  let jobs = 0;

  const connect = (name: string): Host =>
    createSshHost({
      ...{ name, address: lab().address(name), user: 'root', port: 22, controlDir },
      ...{ identityFile: lab().identityFile, hostKey: lab().facts.hostKeys[name] ?? '' },
    });
  const shell = async (host: Host, script: string): Promise<void> => {
    const { exitCode, stderr } = await host.run(['sh', '-ec', script], { timeoutMs: 5 * 60_000 });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  };
  const replica = async (): Promise<ReplicationDataset | undefined> => {
    const answer = await zfsInventory(receiver, STEP.target);
    return answer.type === 'inventory' ? answer.datasets[0] : undefined;
  };

  beforeAll(async () => {
    [sender, receiver] = [connect('n1'), connect('n2')];
    await shell(sender, `mkdir -p -m 700 ${FOLDER}`);
    await sender.putFile(`${FOLDER}/key`, readFileSync(lab().identityFile));
    await sender.putFile(`${FOLDER}/n2`, knownHostsLine('n2', lab().facts.hostKeys['n2'] ?? ''));
    const way = { identityFile: `${FOLDER}/key`, knownHostsFile: `${FOLDER}/n2` };
    receive = directSshArgv({ name: 'n2', address: address(0, hostNamed('n2')), user: 'root', port: 22, ...way });
    await shell(
      sender,
      'zfs create -o mountpoint=/source tank/source; dd if=/dev/urandom of=/source/f bs=1M count=200',
    );
    await shell(sender, 'zfs snapshot tank/source@one');
    expect(await createZfsReplication(receiver).createParents('tank/backup/replicas')).toEqual({ type: 'created' });
  }, 15 * 60_000);
  afterAll(async () => {
    for (const host of [sender, receiver]) await host.close();
    rmSync(controlDir, { recursive: true, force: true });
  });

  const start = async (step: Transfer): Promise<string> => {
    const name = `run-send-${++jobs}`;
    await sender.jobs.start(transferJob(name, 'send-x', 10 * 60_000, [step], { receive }));
    return name;
  };
  const state = (name: string): Promise<JobState> => sender.jobs.status(name, { waitMs: 2_000 });
  const underWay = (name: string): Promise<void> =>
    eventually(
      'data has arrived',
      async () => {
        const now = await state(name);
        if (now.type === 'ended') throw new Error(now.stdout + now.stderr);
        return now.type === 'running' && (readProgress(now.lines)?.bytes ?? 0) > 1_000_000;
      },
      120_000,
    );
  const outcome = async (name: string): Promise<StepOutcome | undefined> => {
    let stdout = '';
    await eventually(
      'the job has ended',
      async () => {
        const now = await state(name);
        if (now.type === 'ended') stdout = now.stdout;
        return now.type === 'ended';
      },
      300_000,
    );
    return readTransfer(stdout, 1)[0];
  };
  const resumable = async (): Promise<Transfer> => {
    const token = (await replica())?.token ?? '';
    expect(await createZfsResume(sender).readToken(token)).toMatchObject({ type: 'token', sendable: true });
    return { ...STEP, resume: token };
  };
  const hasEnded = (host: Host, what: string): Promise<void> =>
    eventually(
      `${what} has ended`,
      async () => (await host.run(['pgrep', '-f', `^zfs ${what}`], { timeoutMs: 60_000 })).exitCode === 1,
      120_000,
    );

  it('ends at both ends when either is killed, and goes on where it was', async () => {
    const first = await start(STEP);
    await underWay(first);
    await shell(sender, 'pkill -KILL -x zfs');
    expect(await outcome(first)).toMatchObject({ type: 'failed', problem: 'interrupted' });
    await hasEnded(receiver, 'receive');

    const second = await start(await resumable());
    await underWay(second);
    await shell(receiver, 'pkill -KILL -x zfs');
    expect(await outcome(second)).toMatchObject({ type: 'failed' });
    await hasEnded(sender, 'send');

    const third = await start(await resumable());
    await underWay(third);
    await sender.jobs.stop(third);
    expect(await outcome(third)).toEqual({ type: 'cut off' });
    await hasEnded(receiver, 'receive');

    expect(await outcome(await start(await resumable()))).toEqual({ type: 'sent' });
    const sent = await zfsInventory(sender, STEP.source);
    const guid = sent.type === 'inventory' ? sent.datasets[0]?.snapshots[0]?.guid : '';
    expect(await replica()).toMatchObject({ readonly: true, mounted: false, snapshots: [{ name: 'one', guid }] });
  });
});
