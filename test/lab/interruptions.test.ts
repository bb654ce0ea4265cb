import { describe, expect, it } from '@jest/globals';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn, outcomeOf } from './hands.ts';
import { aLabWorker, type LabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { release, systemOf, page, canariesOn, activating, clientsOf, bootOf, text } = handsOn(lab);

type Handle = Awaited<ReturnType<LabWorker['start']>>;

interface Deploying {
  handle: Handle;
  /** It ends as `Done`: the new system runs, is what boots next, and nothing is left of the interruption. */
  getsThere(): Promise<void>;
}

/** Starts an upgrade and returns in the middle of its activation. */
async function deploying(node: string, hook: string): Promise<Deploying> {
  const { revision, version } = await release(node, { hook });
  const handle = await worker().start(node, revision);
  await activating(node);
  return {
    handle,
    getsThere: async () => {
      expect(outcomeOf(await viewOf(handle))).toBe('Done');
      const system = await systemOf(node);
      expect(system).toMatchObject({ running: system.profile, bootsNext: system.profile });
      expect(await page(node, 8080)).toMatchObject({ status: 200, body: { version } });
      expect(await canariesOn(node)).toEqual([]);
    },
  };
}

/** Resolves when an attempt at the deployment has failed because the host is away, and the run waits for the next. */
async function waits(handle: Handle): Promise<void> {
  await eventually(
    'the run waits for the host',
    async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).some(
        ({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'Unreachable',
      );
    },
    90_000,
  );
}

describe('a deployment to a real host is interrupted', () => {
  it('by a kill -9 of the worker, in the middle of the activation of a host and of a guest', async () => {
    const runs = [await deploying('n1', 'sleep 12'), await deploying('g2', 'sleep 8')];
    await worker().kill();
    await worker().restart();
    await Promise.all(runs.map((run) => run.getsThere()));
  }, 240_000);

  it('by the loss of the worker’s machine, while the activation prints', async () => {
    const run = await deploying('n1', 'for i in $(seq 40); do echo $i; sleep 0.1; done');
    await worker().lose();
    expect(clientsOf('n1')).toEqual([]);
    await worker().restart();
    await run.getsThere();
  }, 240_000);

  it('by a power cut of the host: the run waits, and goes on when it is back', async () => {
    const before = await bootOf('n3');
    const run = await deploying('n3', 'sleep 8');
    await lab().power.off('n3');
    await waits(run.handle);
    await lab().power.on('n3');
    await run.getsThere();
    expect(await bootOf('n3')).not.toBe(before);
    expect((await page('g3', 8081)).status).toBe(200);
  }, 300_000);

  it('by a cut of its network: the host goes back by itself, and the run goes on when it is reached again', async () => {
    const run = await deploying('n2', 'sleep 3');
    await lab().cut('n2');
    await waits(run.handle);
    await lab().heal('n2');
    await run.getsThere();
    expect(await text('n2', 'incus', 'list', '-f', 'csv', '-c', 's', 'g2')).toBe('RUNNING');
  }, 300_000);
});
