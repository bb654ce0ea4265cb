import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createSimulation, type Simulation } from '../simulator/create.ts';
import { startDevServer } from '../workers/dev-server.ts';
import { findTemporalCli } from '../workers/temporal-cli.ts';

/** A development server and the simulated fleet, with the environment of a `runbook` that uses both. */
export interface Stage {
  simulation: Simulation;
  address: string;
  env: NodeJS.ProcessEnv;
  folder: string;
}

/** All of it is in one temporary folder, and gone with its processes afterwards. */
export async function onStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-bench-'));
  try {
    const { path } = await findTemporalCli({ report: () => undefined });
    const server = await startDevServer({ executable: path, folder: join(folder, 'state') });
    try {
      const simulation = await createSimulation(join(folder, 'fleet'), { pace: 0 });
      try {
        const config = join(folder, 'temporal.toml');
        await writeFile(config, '[profile.default]\n');
        const env = {
          ...cleanEnvironment(),
          PATH: `${simulation.binDir}${delimiter}${process.env['PATH'] ?? ''}`,
          RUNBOOK_STATE: join(folder, 'state'),
          TEMPORAL_ADDRESS: server.address,
          TEMPORAL_CONFIG_FILE: config,
        };
        return await work({ simulation, address: server.address, env, folder });
      } finally {
        simulation.dispose();
      }
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reading more certificates costs every start of Node.js 80 ms, which would flatter ratios. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_EXTRA_CA_CERTS|NODE_OPTIONS|TEMPORAL_(?!CLI).*)$/.test(name),
  );
  return Object.fromEntries(own);
}
