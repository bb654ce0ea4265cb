import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import { eventually } from './eventually.ts';
import { describeJobs } from './jobs-contract.ts';
import { type WorkerProgram, buildWorker, sigkill } from './worker.ts';

describe('on the machine of the worker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runbook-jobs-'));
  const stateDir = join(folder, "it's state");
  let worker: WorkerProgram;
  beforeAll(async () => {
    worker = await buildWorker();
  });
  afterAll(() => {
    worker.remove();
    rmSync(folder, { recursive: true });
  });

  describeJobs(() =>
    Promise.resolve({ host: createLocalHost({ stateDir }), another: createLocalHost({ stateDir }), folder }),
  );

  it('a job goes on when the worker that started it is killed, and is adopted by the next', async () => {
    const gate = join(folder, 'gate');
    const task = {
      type: 'start job' as const,
      name: 'adopted',
      argv: ['sh', '-c', 'mkfifo "$1"; cat "$1"; exit 7', 'sh', gate],
      timeoutMs: 60_000,
    };
    const first = worker.start({ host: { type: 'local', stateDir }, task });
    const [said] = (await once(first.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('started\n');
    await sigkill(first);

    const host = createLocalHost({ stateDir });
    expect(await host.jobs.start(task)).toEqual({ type: 'attached' });
    expect(await host.jobs.status('adopted')).toMatchObject({ type: 'running' });
    expect(await host.run(['sh', '-c', 'echo open >"$1"', 'sh', gate], { timeoutMs: 5000 })).toMatchObject({
      exitCode: 0,
    });
    await eventually('it has ended', async () => (await host.jobs.status('adopted')).type === 'ended');
    expect(await host.jobs.status('adopted')).toMatchObject({ how: 'exited', exitCode: 7, stdout: 'open\n' });
  });

  it('a job ends by its time-out although the worker that started it is dead', async () => {
    const task = { type: 'start job' as const, name: 'left-alone', argv: ['sleep', '1000'], timeoutMs: 500 };
    const first = worker.start({ host: { type: 'local', stateDir }, task });
    await once(first.stdout, 'data');
    await sigkill(first);
    const host = createLocalHost({ stateDir });
    await eventually('it has ended', async () => (await host.jobs.status('left-alone')).type === 'ended');
    expect(await host.jobs.status('left-alone')).toMatchObject({ how: 'timed out' });
  });

  it('nobody else can read what a job is told and says', async () => {
    const host = createLocalHost({ stateDir });
    await host.jobs.start({ name: 'private', argv: ['echo', 'x'], timeoutMs: 5000 });
    await eventually('it has ended', async () => (await host.jobs.status('private')).type === 'ended');
    expect(statSync(join(stateDir, 'jobs', 'private')).mode & 0o777).toBe(0o700);
    for (const file of ['job', 'stdout', 'stderr', 'result'])
      expect(statSync(join(stateDir, 'jobs', 'private', file)).mode & 0o777).toBe(0o600);
  });
});
