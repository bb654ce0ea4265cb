import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { assertCovered } from '../contract/uncovered.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, type ViewQuery } from '../../workflows/messages.ts';
import { WORKFLOW_BUNDLE } from '../temporal/environment.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { fleetFile, type Beginning, type Scenario } from './scenarios.ts';
import type { TemporalServer } from './temporal-server.ts';
import { eventually } from './eventually.ts';
import type { WorkerProcess, WorkerProgram } from './worker-program.ts';

export type Run = WorkflowHandle;

/** A simulated fleet, a worker as a process, and a namespace of a server for them alone. */
export interface World {
  readonly simulation: Simulation;
  /** The worker's own folder. */
  readonly stateDir: string;
  readonly server: TemporalServer;
  start(beginning: Beginning): Promise<Run>;
  view(run: Run): Promise<RunView>;
  /** The final view, whatever the run came to; also when the server is away for a while. */
  end(run: Run): Promise<RunView>;
  /** Whether a process is the worker's descendant, as everything is that has to end with it. */
  isOfWorker(pid: number): boolean;
  killWorker(): Promise<void>;
  startWorker(): Promise<void>;
  dispose(): Promise<void>;
}

export interface WorldOptions {
  program: WorkerProgram;
  server: TemporalServer;
  namespace: string;
  scenario: Pick<Scenario, 'prepare'>;
  policies?: Readonly<Record<string, string>>;
}

/** So long a run may take that was killed several times on a machine that does other things as well. */
const END_WITHIN_MS = 900_000;
const NAMESPACE_WITHIN_MS = 300_000;

export async function createWorld({ program, server, namespace, scenario, policies }: WorldOptions): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'runbook-crash-'));
  const simulation = await createSimulation(join(dir, 'fleet'), { pace: 0, fleetFile: fleetFile(policies) });
  const stateDir = join(dir, 'worker');
  const client = server.client(namespace);
  const order = {
    address: server.address,
    namespace,
    codePath: WORKFLOW_BUNDLE.codePath,
    repo: simulation.repoDir,
    stateDir,
    path: `${simulation.binDir}:${process.env['PATH'] ?? ''}`,
  };
  let worker: WorkerProcess | undefined;
  const startWorker = async (): Promise<void> => {
    worker = await program.start(order);
  };
  const killWorker = async (): Promise<void> => {
    await worker?.sigkill();
  };
  const dispose = async (): Promise<void> => {
    await killWorker();
    const journal = simulation.journal();
    simulation.dispose();
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    assertCovered(journal);
  };
  try {
    await scenario.prepare(simulation);
    await startWorker();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    simulation,
    stateDir,
    server,
    start: async ({ workflow, workflowId, input }) => {
      const order = { taskQueue: TASK_QUEUE, workflowId, args: [input(simulation.revision())] };
      await eventually(() => isKnown(client), {
        what: `namespace ${namespace}`,
        withinMs: NAMESPACE_WITHIN_MS,
        everyMs: 200,
      });
      return client.workflow.start(workflow, order);
    },
    view: (run) => run.query<ReturnType<ViewQuery>>(VIEW_QUERY),
    end: async (run) => {
      await eventually(async () => (await run.describe()).status.name !== 'RUNNING', {
        what: `${run.workflowId} to end`,
        withinMs: END_WITHIN_MS,
        everyMs: 300,
      });
      return viewOf(run);
    },
    isOfWorker: (pid) => worker !== undefined && ancestors(pid).includes(worker.pid),
    killWorker,
    startWorker,
    dispose,
  };
}

/** A server that is busy knows its namespaces only a while after it has made them. */
async function isKnown(client: Client): Promise<boolean> {
  await client.workflow.count();
  return true;
}

/** Of a process, from /proc: its parent, that one's parent, and so on. */
function ancestors(pid: number): number[] {
  // The name, in parentheses, may have spaces in it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const parent = Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  return parent === 0 ? [] : [parent, ...ancestors(parent)];
}
