import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import { keepShellsReady } from '../../hosts/shells.ts';
import { eventually, processesWith, uniqueSeconds } from './eventually.ts';
import { describeRun } from './run-contract.ts';
import { type WorkerProgram, buildWorker, sigkill } from './worker.ts';

describe('the local host', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runbook-local-'));
  const settings = { stateDir: join(folder, 'state') };
  let worker: WorkerProgram;
  beforeAll(async () => {
    worker = await buildWorker();
  });
  afterAll(() => {
    worker.remove();
    rmSync(folder, { recursive: true });
  });

  describeRun(() => Promise.resolve({ host: createLocalHost(settings), folder }), { runs: 60 });

  it.each(['INT', 'HUP', 'QUIT'])('takes an end by SIG%s for an interruption, not for an answer', async (signal) => {
    const run = createLocalHost(settings).run(['sh', '-c', `echo part; kill -${signal} $$`], { timeoutMs: 5000 });
    await expect(run).rejects.toMatchObject({ name: 'HostError', type: 'Interrupted', output: 'part\n' });
  });

  it('leaves no half of a file where it is told to stop', async () => {
    const host = createLocalHost(settings);
    const own = mkdtempSync(join(folder, 'halves-'));
    await host.putFile(join(own, 'file'), 'whole');
    for (const ms of [10, 20, 30, 50, 80, 120]) {
      const stopped = host.putFile(join(own, 'file'), Buffer.alloc(30_000_000, 'x'), {
        signal: AbortSignal.timeout(ms),
      });
      await stopped.catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'HostError' });
      });
      expect(readdirSync(own)).toEqual(['file']);
    }
  });

  describe('with shells that were started ahead', () => {
    beforeEach(() => {
      keepShellsReady(3);
    });
    afterEach(() => {
      keepShellsReady(0);
    });

    const own = mkdtempSync(join(tmpdir(), 'runbook-local-'));
    afterAll(() => {
      rmSync(own, { recursive: true });
    });
    describeRun(() => Promise.resolve({ host: createLocalHost(settings), folder: own }), { runs: 20 });

    it('passes by one that has been killed', async () => {
      await eventually('they wait', () => waitingShells().length === 3);
      const killed = waitingShells();
      killed.forEach((pid) => process.kill(pid, 'SIGKILL'));
      await eventually('their end is known', () => !killed.some((pid) => existsSync(`/proc/${pid}`)));
      expect(await createLocalHost(settings).run(['echo', 'here'], { timeoutMs: 5000 })).toMatchObject({
        exitCode: 0,
        stdout: 'here\n',
      });
    });

    it('ends those that no command came for', async () => {
      await eventually('they wait', () => waitingShells().length === 3);
      keepShellsReady(0);
      await eventually('they are gone', () => waitingShells().length === 0);
    });
  });

  it('leaves no child and no grandchild when the worker is killed', async () => {
    const seconds = uniqueSeconds();
    const argv = ['sh', '-c', 'sleep "$1" & sleep "$1"', 'sh', seconds];
    const running = worker.start({ host: { type: 'local', ...settings }, task: { type: 'run', argv } });
    await eventually('both sleep', () => processesWith(seconds).length === 3);
    await sigkill(running);
    await eventually('none is left', () => processesWith(seconds).length === 0, 1000);
  });

  it('logs each command with its secrets masked, a failure like a success', async () => {
    const logged: Record<string, unknown>[] = [];
    const logger = {
      info: (fields: Readonly<Record<string, unknown>>) => logged.push(fields),
      warn: () => undefined,
    };
    const host = createLocalHost({ ...settings, name: 'here', logger });
    await host.run(['sh', '-c', 'exit 3', '--token', 'abc'], { timeoutMs: 5000 });
    expect(logged).toEqual([
      {
        host: 'here',
        command: `sh -c 'exit 3' --token '[redacted]'`,
        end: 'exited',
        exitCode: 3,
        durationMs: expect.any(Number),
      },
    ]);
  });
});

/** Shells that this process started and that have not ended. */
function waitingShells(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '/bin/sh\0-s\0').map(Number);
}
