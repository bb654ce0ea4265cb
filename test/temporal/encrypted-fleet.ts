import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import proto from '@temporalio/proto';
import { pino } from 'pino';
import { activitiesOver, createDeps } from '../../activities/index.ts';
import { main } from '../../cli/program.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { startWorker, type RunningWorker, type WorkerSettings } from '../../workers/worker.ts';
import { testIo } from '../cli/io.ts';

/** The simulated fleet with the product's own worker and command line, each with the keys that a test gives it. */
export interface EncryptedFleet {
  simulation: Simulation;
  folder: string;
  /** A key file with these lines: an id, and a byte that the key is made of. */
  keys: (...lines: [id: string, byte: number][]) => Promise<string>;
  /** Starts a worker; all are stopped at the end. `instead`: activities that a test has. */
  work: (keys?: string, settings?: Partial<WorkerSettings> & { instead?: object }) => Promise<RunningWorker>;
  cli: (keys: string | undefined, ...argv: string[]) => Promise<{ code: number; out: string; err: string }>;
  /** All that the server keeps of the latest execution, as it keeps it. */
  kept: (workflowId: string) => Promise<Buffer>;
  dispose: () => Promise<void>;
}

export async function startEncryptedFleet(env: TestWorkflowEnvironment): Promise<EncryptedFleet> {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-encrypted-'));
  const simulation = await createSimulation(join(folder, 'fleet'), { pace: 0 });
  const { repoDir, binDir } = simulation;
  const stateDir = join(folder, 'worker');
  await mkdir(stateDir, { mode: 0o700 });
  const { deps, close } = createDeps({
    ...{ repo: repoDir, stateDir },
    env: { PATH: `${binDir}:${process.env['PATH'] ?? ''}` },
  });
  const workers: RunningWorker[] = [];
  let files = 0;
  const envOf = (keys: string | undefined): Record<string, string> => ({
    ...{ TEMPORAL_ADDRESS: env.address, TEMPORAL_CONFIG_FILE: '/nowhere' },
    ...(keys === undefined ? {} : { RUNBOOK_CODEC_KEYS: keys }),
  });
  return {
    simulation,
    folder,
    keys: async (...lines) => {
      const path = join(folder, `keys-${files++}`);
      await writeFile(path, lines.map(([id, byte]) => `${id} ${Buffer.alloc(32, byte).toString('base64')}\n`).join(''));
      await chmod(path, 0o600);
      return path;
    },
    work: async (keys, { instead, ...settings } = {}) => {
      const activities = { ...activitiesOver(deps), ...instead };
      const logger = pino({ level: 'silent' });
      const worker = await startWorker({ activities, logger, env: envOf(keys), ...settings });
      workers.push(worker);
      return worker;
    },
    cli: async (keys, ...argv) => {
      const io = testIo({ cwd: repoDir, env: envOf(keys) });
      const code = await main(argv, io);
      return { code, out: io.out(), err: io.err() };
    },
    kept: async (workflowId) => {
      const { events } = await env.client.workflow.getHandle(workflowId).fetchHistory();
      return Buffer.from(proto.temporal.api.history.v1.History.encode({ events: events ?? [] }).finish());
    },
    dispose: async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await close();
      simulation.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
