import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startEncryptedFleet, type EncryptedFleet } from './encrypted-fleet.ts';
import { release } from './simulated-hands.ts';
import type { RunningWorker } from '../../workers/worker.ts';

const TIMEOUT_MS = 240_000;
const RUN = 'cluster-upgrade/all';
const CANARY = 'canary-in-a-coal-mine';

describe('with keys', () => {
  const env = aServer();
  let fleet: EncryptedFleet;
  let workers: RunningWorker[] = [];
  beforeAll(async () => {
    fleet = await startEncryptedFleet(env());
    for (const member of ['elitedesk-1', 'elitedesk-2', 'nuc-1']) release(fleet.simulation, member, { incus: '7.0.2' });
  }, 60_000);
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
    // Locks stay for a minute, and speak by the keys of this test.
    for await (const { workflowId } of env().client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
      await env().client.workflow.getHandle(workflowId).terminate();
  }, 60_000);
  afterAll(() => fleet.dispose(), 60_000);

  const work = async (...args: Parameters<EncryptedFleet['work']>): Promise<void> => {
    workers.push(await fleet.work(...args));
  };
  const asks = (keys: string | undefined): Promise<void> =>
    eventually(
      'the question',
      async () => (await fleet.cli(keys, 'show', RUN)).out.includes('runbook approve'),
      120_000,
    );

  it(
    'Temporal keeps nothing of a run that it could read: no input, no answer, no failure',
    async () => {
      const keys = await fleet.keys(['a', 1]);
      await work(keys);
      expect(await fleet.cli(keys, 'start', 'cluster-upgrade', '--detach')).toMatchObject({ code: 0 });
      await asks(keys);
      expect(await fleet.cli(keys, 'reject', RUN, '--reason', CANARY)).toMatchObject({ code: 0 });
      expect((await fleet.cli(keys, 'watch', RUN)).code).toBe(1);
      const shown = await fleet.cli(keys, 'show', RUN);
      expect(shown.out).toContain(CANARY);
      const kept = await fleet.kept(RUN);
      expect(kept.includes('binary/encrypted')).toBe(true);
      expect(kept.includes('Encoded failure')).toBe(true);
      for (const word of [CANARY, fleet.simulation.revision(), 'tester', '7.0.2', 'One-way', 'rejected by'])
        expect([word, kept.includes(word)]).toEqual([word, false]);
    },
    TIMEOUT_MS,
  );

  it(
    'Temporal keeps nothing of a failed step that it could read',
    async () => {
      const keys = await fleet.keys(['a', 1]);
      const glanceAtFleet = () => Promise.reject(ApplicationFailure.nonRetryable(CANARY, 'Unhealthy'));
      await work(keys, { instead: { glanceAtFleet } });
      expect((await fleet.cli(keys, 'status', '--live')).out).toContain(CANARY);
      const looks = [];
      for await (const { workflowId } of env().client.workflow.list({ query: 'WorkflowType = "glance"' }))
        looks.push(await fleet.kept(workflowId));
      expect(looks.map((kept) => [kept.includes('Encoded failure'), kept.includes(CANARY)])).toEqual([[true, false]]);
    },
    TIMEOUT_MS,
  );

  it(
    'says which key is missing to who has none, or another',
    async () => {
      for (const keys of [undefined, await fleet.keys(['b', 2])]) {
        for (const argv of [
          ['show', RUN],
          ['report', RUN],
          ['watch', RUN],
          ['retry', RUN],
        ]) {
          const { code, err, out } = await fleet.cli(keys, ...argv);
          expect([argv, out, code, err]).toEqual([argv, '', 2, expect.stringMatching(/encrypted by the key "a", and (no keys are|.* only b)/)]); // prettier-ignore
        }
      }
      expect((await fleet.cli(undefined, 'list')).out).toContain('cluster-upgrade');
    },
    TIMEOUT_MS,
  );

  it(
    'goes on with a run that began without keys, and with one of an older key',
    async () => {
      const [old, both] = [await fleet.keys(['a', 1]), await fleet.keys(['b', 2], ['a', 1])];
      for (const [before, after] of [
        [undefined, old],
        [old, both],
      ] as const) {
        await work(before);
        expect(await fleet.cli(before, 'start', 'cluster-upgrade', '--detach')).toMatchObject({ code: 0 });
        await asks(before);
        expect(await fleet.cli(after, 'worker', '--check')).toMatchObject({ code: 0 });
        await Promise.all(workers.splice(0).map((worker) => worker.stop()));
        await work(after);
        expect(await fleet.cli(after, 'reject', RUN, '--reason', CANARY)).toMatchObject({ code: 0 });
        expect((await fleet.cli(after, 'watch', RUN)).code).toBe(1);
        expect((await fleet.cli(after, 'show', RUN)).out).toContain(CANARY);
        expect((await fleet.kept(RUN)).includes(CANARY)).toBe(false);
        await Promise.all(workers.splice(0).map((worker) => worker.stop()));
      }
    },
    TIMEOUT_MS,
  );

  it(
    'a run meets a worker without its key, which says why; it waits for one that has it, and ends well',
    async () => {
      const keys = await fleet.keys(['a', 1]);
      await work();
      expect(await fleet.cli(keys, 'start', 'cluster-upgrade', '--detach')).toMatchObject({ code: 0 });
      await eventually(
        'the failed attempt',
        async () => (await fleet.kept(RUN)).includes('It is encrypted by the key "a", and no keys are configured here'),
        30_000,
      );
      expect(await fleet.cli(undefined, 'worker', '--check')).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          /cluster-upgrade.all would not go on with this build[.]\n.*by the key "a", and no keys/,
        ),
      });
      await work(keys);
      await asks(keys);
      expect(await fleet.cli(keys, 'reject', RUN, '--reason', CANARY)).toMatchObject({ code: 0 });
      expect((await fleet.cli(keys, 'watch', RUN)).code).toBe(1);
      expect((await fleet.cli(keys, 'show', RUN)).out).toContain(CANARY);
    },
    TIMEOUT_MS,
  );

  it('refuses a worker and a command whose key file others can read', async () => {
    const keys = await fleet.keys(['a', 1]);
    await chmod(keys, 0o644);
    await expect(fleet.work(keys)).rejects.toMatchObject({ type: 'refused', message: expect.stringContaining('0644') });
    expect(await fleet.cli(keys, 'list')).toMatchObject({ code: 2, err: expect.stringContaining('0644') });
  });
});
