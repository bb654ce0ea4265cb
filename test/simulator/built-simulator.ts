import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createSimulation, type Simulation, type SimulationOptions } from '../../simulator/create.ts';

/** Simulations whose programs run this very source, whatever dist/ holds. */
export interface Simulator {
  create(options?: Omit<SimulationOptions, 'program'>): Promise<Simulation>;
  /** Ends every simulation and its processes. */
  dispose(): Promise<void>;
}

export async function buildSimulator(): Promise<Simulator> {
  const dir = await mkdtemp(join(tmpdir(), 'runbook-simulator-'));
  const program = join(dir, 'main.mjs');
  const entry = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url));
  // A package that is no module of ECMAScript asks for Node's own by `require`.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({ entryPoints: [entry], outfile: program, bundle: true, format: 'esm', platform: 'node', banner });
  const made: Simulation[] = [];
  return {
    create: async (options = {}) => {
      const simulation = await createSimulation(join(dir, String(made.length)), { pace: 0, ...options, program });
      made.push(simulation);
      return simulation;
    },
    dispose: async () => {
      for (const simulation of made) simulation.dispose();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
