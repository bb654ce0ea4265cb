import { expect } from '@jest/globals';
import type { Lab } from '../../lab/api.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { handsOn, outcomeOf } from './hands.ts';
import type { LabWorker } from './worker.ts';

/** An upgrade in the middle of its activation. */
export interface Deploying {
  /** Resolves when an attempt at the deployment has failed because the host is away, and the run waits for the next. */
  waits(): Promise<void>;
  /** It ends as `Done`: the new system runs, is what boots next, and nothing is left of the interruption. */
  getsThere(): Promise<void>;
}

/** Starts the upgrade of a node to a release with that hook, and returns in the middle of its activation. */
export function deployingOn(
  lab: () => Lab,
  worker: () => LabWorker,
): (node: string, hook: string) => Promise<Deploying> {
  const { release, systemOf, page, canariesOn, activating } = handsOn(lab);
  return async (node, hook) => {
    const { revision, version } = await release(node, { hook });
    const handle = await worker().start(node, revision);
    await activating(node);
    return {
      waits: () =>
        eventually(
          'the run waits for the host',
          async () => {
            const { raw } = await handle.describe();
            return (raw.pendingActivities ?? []).some(
              ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'Unreachable',
            );
          },
          90_000 * lab().patience,
        ),
      getsThere: async () => {
        expect(outcomeOf(await viewOf(handle))).toBe('Done');
        const system = await systemOf(node);
        expect(system).toMatchObject({ running: system.profile, bootsNext: system.profile });
        expect(await page(node, 8080)).toMatchObject({ status: 200, body: { version } });
        expect(await canariesOn(node)).toEqual([]);
      },
    };
  };
}
