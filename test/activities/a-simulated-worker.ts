import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { createDeps } from '../../activities/index.ts';
import type { Deps } from '../../activities/deps.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';

/** The simulated fleet, and what activities are made of over it: for those that a test calls by itself. */
export interface SimulatedWorker {
  simulation: Simulation;
  deps: Deps;
  /** Throws where the simulation was asked what it does not know. */
  close(): Promise<void>;
}

export async function startSimulatedWorker(): Promise<SimulatedWorker> {
  const dir = await mkdtemp(join(tmpdir(), 'runbook-activities-'));
  const simulation = await createSimulation(join(dir, 'fleet'), { pace: 0 });
  const stateDir = join(dir, 'worker');
  await mkdir(stateDir, { mode: 0o700 });
  const env = { PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}` };
  const { deps, close } = createDeps({ repo: simulation.repoDir, stateDir, env });
  return {
    simulation,
    deps,
    close: async () => {
      await close();
      const unknown = simulation.unknown();
      simulation.dispose();
      await rm(dir, { recursive: true, force: true });
      expect(unknown).toEqual([]);
    },
  };
}
