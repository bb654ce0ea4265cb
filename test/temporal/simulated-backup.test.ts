import { describe, expect, it } from '@jest/globals';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;

describe('nightly-backup over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const backUp = async ({ backup, planOnly = false }: { backup?: string; planOnly?: boolean } = {}): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('nightly-backup', backup ?? 'all'),
        args: [
          {
            ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly },
            ...(backup === undefined ? {} : { backup }),
          },
        ],
      }),
    );

  it(
    'brings every replica up to the snapshots that it makes, and again the next night',
    async () => {
      const first = await backUp();
      console.log(JSON.stringify(first, undefined, 1));
      expect(first.result).toMatchObject({ outcome: 'Done' });
      expect(first.copies).toEqual(
        ['edge-data', 'metrics-data', 'home-data'].map((volume) => ({
          ...{ volume, place: 'nuc-1 tank/replica', outcome: 'copied', snapshots: 1 },
          newestAt: expect.any(String),
        })),
      );
      console.log(JSON.stringify(first, undefined, 1));
    },
    TIMEOUT_MS,
  );
});
