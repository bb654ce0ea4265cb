import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { VICTIMS, type Victim } from './killing.ts';
import { startTemporalServer } from './temporal-server.ts';
import { runWithWaits } from './waits.ts';
import { buildWorkerProgram, type WorkerProgram } from './worker-program.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 600_000;

let program: WorkerProgram;
beforeAll(async () => {
  program = await buildWorkerProgram();
}, TIMEOUT_MS);
afterAll(() => program.remove());

async function withServer(during: (world: World) => Promise<void>): ReturnType<typeof runWithWaits> {
  const server = await startTemporalServer(['waits']);
  try {
    return await runWithWaits({ program, server, namespace: 'waits' }, during);
  } finally {
    await server.stop();
  }
}

const KILL: Record<Victim, (world: World) => Promise<void>> = {
  worker: async (world) => {
    await world.killWorker();
    await world.startWorker();
  },
  server: async ({ server }) => {
    await server.sigkill();
    await server.restart();
  },
};

describe('a run that waits for a lock, an approval and quiet', () => {
  it(
    'ends as it does otherwise when worker or server is killed meanwhile',
    async () => {
      const [uncrashed, ...crashed] = await Promise.all([
        withServer(() => Promise.resolve()),
        ...VICTIMS.map((victim) => withServer(KILL[victim])),
      ]);
      for (const state of uncrashed.states)
        expect(state).toMatchObject({ outcome: 'Done', leftovers: [], unknown: [] });
      for (const { states } of crashed) expect(states).toEqual(uncrashed.states);
    },
    TIMEOUT_MS,
  );
});
