import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Lab } from '../../lab/api.ts';
import { until } from '../../lab/shell.ts';
import type { RunView } from '../../plan/run.ts';
import type { SafeUpgradeInput } from '../../workflows/messages.ts';
import type { safeUpgrade } from '../../workflows/safe-upgrade.ts';
import { kill as killIfAlive } from '../../simulator/hosts/processes.ts';
import { startLocalServer } from '../temporal/environment.ts';
import { startUpgrade, viewOf } from '../temporal/simulated-fleet.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface LabWorker {
  env: TestWorkflowEnvironment;
  start(node: string, revision: string, input?: Partial<SafeUpgradeInput>): Promise<WorkflowHandle<typeof safeUpgrade>>;
  /** Upgrades a node to what a revision of the lab's monorepo says, and waits for the end. */
  upgrade(node: string, revision: string, input?: Partial<SafeUpgradeInput>): Promise<RunView>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** As when its machine is gone for good: the worker, all that it had started, and its state folder. */
  lose(): Promise<void>;
  /** Another one, as an operator would start it, where none runs. */
  restart(): Promise<void>;
}

/** The monorepo, and where programs are. */
type Surroundings = Pick<Lab, 'repo' | 'env'>;

/** A development server, and `runbook worker` as a process of its own over the real hosts, for the suite. */
export function aLabWorker(lab: () => Surroundings): () => LabWorker {
  let started: (LabWorker & { stop: () => Promise<void> }) | undefined;
  beforeAll(async () => {
    const env = await startLocalServer();
    const state = await mkdtemp(join(tmpdir(), 'runbook-lab-'));
    let worker = await launch(lab(), env, state);
    const hasEnded = (): boolean => worker.exitCode !== null || worker.signalCode !== null;
    const kill = async (signal: NodeJS.Signals): Promise<void> => {
      if (hasEnded()) return;
      worker.kill(signal);
      await once(worker, 'exit');
    };
    const start: LabWorker['start'] = (node, revision, input) => startUpgrade(env, revision, node, input);
    started = {
      env,
      start,
      upgrade: async (node, revision, input) => viewOf(await start(node, revision, input)),
      kill: () => kill('SIGKILL'),
      lose: async () => {
        await kill('SIGKILL');
        // Whatever is being started while others are killed.
        await until('nothing of the worker is left', async () => {
          const left = processesOf(state);
          left.forEach(killIfAlive);
          return Promise.resolve(left.length === 0 ? { value: undefined } : { not: left.join(', ') });
        });
        await rm(state, { recursive: true });
        await mkdir(state);
      },
      restart: async () => {
        if (hasEnded()) worker = await launch(lab(), env, state);
      },
      stop: async () => {
        await kill('SIGTERM');
        await env.teardown();
        await rm(state, { recursive: true, force: true });
      },
    };
  }, 60_000);
  // A test that failed before it had a new one is not to keep the others waiting.
  beforeEach(() => started?.restart());
  afterAll(async () => {
    await started?.stop();
  }, 60_000);
  return () => {
    if (!started) throw new Error('the worker has not started');
    return started;
  };
}

/** What a worker with this state folder has started, directly or not: its environment is handed down. */
function processesOf(state: string): number[] {
  const ofWorker = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`RUNBOOK_STATE=${state}`);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && ofWorker(entry))
    .map(Number);
}

/** Resolves when it polls. */
async function launch(lab: Surroundings, env: TestWorkflowEnvironment, state: string): Promise<ChildProcess> {
  const worker = spawn(process.execPath, [PROGRAM, '--repo', lab.repo, 'worker', '--log-level', 'warn'], {
    env: { ...process.env, ...lab.env, RUNBOOK_STATE: state, TEMPORAL_ADDRESS: env.address },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(worker.stdout, 'data'),
    once(worker, 'exit').then(() => Promise.reject(new Error('the worker ended before it polled'))),
  ]);
  return worker;
}
