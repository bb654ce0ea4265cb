import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { assertCovered } from '../contract/uncovered.ts';
import { activitiesOver, createDeps } from '../../activities/index.ts';
import type { Machines } from '../../activities/machines.ts';
import type { RunView } from '../../plan/run.ts';
import { createSimulation, type Simulation, type SimulationOptions } from '../../simulator/create.ts';
import { TASK_QUEUE, workflowId, type SafeUpgradeInput } from '../../workflows/messages.ts';
import type { safeUpgrade } from '../../workflows/safe-upgrade.ts';
import { WORKFLOW_BUNDLE } from './environment.ts';

export interface SimulatedFleet {
  simulation: Simulation;
  /** The worker's state folder. */
  stateDir: string;
  start(node: string, input?: Partial<SafeUpgradeInput>): Promise<WorkflowHandle<typeof safeUpgrade>>;
  /** Starts a run and waits for its end. */
  upgrade(node: string, input?: Partial<SafeUpgradeInput>): Promise<RunView>;
  /** Throws where the product issued a command line that no scenario holds against the real program. */
  dispose(): Promise<void>;
}

/**
 * The simulated fleet with a worker in this process that runs the product's own workflows and activities over it.
 * `worker: false`: without one. `machines`: what its activities work on instead. `dir`: an empty folder for all of it, instead of a temporary one; removed at the end as well.
 */
export async function startSimulatedFleet(
  env: TestWorkflowEnvironment,
  {
    dir: given,
    worker: hasWorker = true,
    machines,
    ...options
  }: { fleetFile?: string; dir?: string; worker?: boolean; machines?: (real: Machines) => Machines } & Pick<
    SimulationOptions,
    'bare' | 'members'
  > = {},
): Promise<SimulatedFleet> {
  const dir = given ?? (await mkdtemp(join(tmpdir(), 'runbook-sim-')));
  const simulation = await createSimulation(join(dir, 'fleet'), { pace: 0, ...options });
  const stateDir = join(dir, 'worker');
  const stopWorker = hasWorker ? await startWorker(env, simulation, stateDir, machines) : undefined;
  const start: SimulatedFleet['start'] = (node, input) => startUpgrade(env, simulation.revision(), node, input);
  return {
    simulation,
    stateDir,
    start,
    upgrade: async (node, input) => viewOf(await start(node, input)),
    dispose: async () => {
      await stopWorker?.();
      const journal = simulation.journal();
      simulation.dispose();
      await rm(dir, { recursive: true, force: true });
      assertCovered(journal);
    },
  };
}

/** A worker of that fleet. Answers with how to end it. */
export async function startWorker(
  env: TestWorkflowEnvironment,
  { repoDir, binDir }: Simulation,
  stateDir: string,
  machines: (real: Machines) => Machines = (real) => real,
): Promise<() => Promise<void>> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { deps, close } = createDeps({
    repo: repoDir,
    stateDir,
    env: { PATH: `${binDir}:${process.env['PATH'] ?? ''}` },
  });
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue: TASK_QUEUE,
    workflowBundle: WORKFLOW_BUNDLE,
    activities: activitiesOver({ ...deps, machines: machines(deps.machines) }),
    maxHeartbeatThrottleInterval: '1s',
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await close();
  };
}

export function startUpgrade(
  env: TestWorkflowEnvironment,
  revision: string,
  node: string,
  input: Partial<SafeUpgradeInput> = {},
): Promise<WorkflowHandle<typeof safeUpgrade>> {
  return env.client.workflow.start<typeof safeUpgrade>('safeUpgrade', {
    taskQueue: TASK_QUEUE,
    workflowId: workflowId('safe-upgrade', node),
    args: [
      {
        fleet: { revision },
        node,
        actor: 'tester',
        allowOffline: [],
        allowOrchestrator: false,
        planOnly: false,
        ...input,
      },
    ],
  });
}

/** The final view, whatever the run came to. */
export async function viewOf(handle: { result(): Promise<RunView> }): Promise<RunView> {
  try {
    return await handle.result();
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure && error.cause.details?.[0])
      return error.cause.details[0] as RunView;
    throw error;
  }
}
