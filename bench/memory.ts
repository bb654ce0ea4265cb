import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId, type SafeUpgradeInput } from '../workflows/messages.ts';
import { startWorkerProcess } from './programs.ts';
import type { Report } from './report.ts';
import { onStage, type Stage } from './stage.ts';

const RUNS = 100;
const SETTLED_WITHIN_MS = 300_000;
const SAMPLES = 10;

/**
 * A worker's memory while 100 upgrades of one member are open: one is at work (its build is held for ever), the
 * others wait for its lock, all of them in the worker's cache.
 */
export const benchMemory = (): Promise<Report> =>
  onStage(async (stage) => {
    const worker = await startWorkerProcess(stage.env, stage.simulation.repoDir);
    const connection = await Connection.connect({ address: stage.address });
    try {
      const idle = await settledRss(worker.pid);
      const runs = await openRuns(new Client({ connection }), stage);
      const open = await settledRss(worker.pid);
      await Promise.all(runs.map((run) => run.terminate('the benchmark is over')));
      return {
        title: 'Memory of a worker',
        command: 'npm run bench -- memory',
        about: `\`runbook worker\` over the simulated fleet; resident set of the process as /proc has it, when it had come to rest.`,
        header: ['worker', 'RSS'],
        rows: [
          ['idle', `${idle} MB`],
          [`${RUNS} safe-upgrade runs open`, `${open} MB`],
        ],
        goals: [{ what: `RSS with ${RUNS} runs open`, goal: 300, measured: open, unit: 'MB' }],
      };
    } finally {
      await worker.stop();
      await connection.close();
    }
  });

async function openRuns(client: Client, { simulation }: Stage): Promise<WorkflowHandle[]> {
  // A build may take hours; a question to a host is given up long before a busy machine has opened all runs.
  const hold = await simulation.addFault({ tool: 'nix', args: '^build', effect: { type: 'pause' } });
  const input: SafeUpgradeInput = {
    fleet: { revision: simulation.revision() },
    node: 'elitedesk-1',
    actor: 'bench',
    allowOffline: [],
    allowOrchestrator: true,
    planOnly: false,
  };
  const start = (number: number): Promise<WorkflowHandle> =>
    client.workflow.start('safeUpgrade', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('safe-upgrade', `elitedesk-1-${number}`),
      args: [input],
    });
  const first = await start(0);
  await until('the first run is at work', () => Promise.resolve(simulation.isPaused(hold)));
  const others = await Promise.all(Array.from({ length: RUNS - 1 }, (_, index) => start(index + 1)));
  for (const run of others)
    await until(`${run.workflowId} waits`, async () => (await run.query<RunView>(VIEW_QUERY)).waitingFor.length > 0);
  return [first, ...others];
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Expected within ${SETTLED_WITHIN_MS / 1000} s: ${what}.`);
    await pause(100);
  }
}

/** The highest of ten samples, half a second apart, that are within five per cent of each other. In 10⁶ bytes. */
async function settledRss(pid: number): Promise<number> {
  let samples: number[] = [];
  await until('the memory is at rest', async () => {
    await pause(400);
    samples = [...samples, await rssOf(pid)].slice(-SAMPLES);
    return samples.length === SAMPLES && Math.max(...samples) <= 1.05 * Math.min(...samples);
  });
  return Math.max(...samples);
}

async function rssOf(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round((Number(kib) * 1024) / 1e6);
}
