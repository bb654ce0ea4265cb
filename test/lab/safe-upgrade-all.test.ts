import { describe, expect, it } from '@jest/globals';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { safeUpgradeAll } from '../../workflows/safe-upgrade-all.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const { release, versionOf, bootOf } = handsOn(lab);
const MEMBERS = ['n1', 'n2', 'n3'];

describe('safe-upgrade --all on real hosts with their guests running', () => {
  const all = async (revision: string): Promise<RunView> =>
    viewOf(
      await worker().env.client.workflow.start<typeof safeUpgradeAll>('safeUpgradeAll', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('safe-upgrade', 'all'),
        args: [{ fleet: { revision }, actor: 'tester', allowOffline: [], allowOrchestrator: false, planOnly: false }],
      }),
    );
  const boots = (): Promise<string[]> => Promise.all(MEMBERS.map(bootOf));
  const versions = (): Promise<string[]> => Promise.all(MEMBERS.map(versionOf));

  it('restarts the member with a new kernel, stops at the first unhealthy one, and goes on there', async () => {
    const [booted, [, before, untouched]] = [await boots(), await versions()];
    const [first, last] = [await release('n1', { kernel: '6.12.9' }), await release('n3')];
    // It is deployed to when it has only begun to boot again.
    const guest = await release('g1');
    const ill = await release('n2', { healthy: false });
    const stopped = await all(ill.revision);
    expect(stopped.result).toMatchObject({
      outcome: 'RolledBack',
      summary: expect.stringMatching(/^Stopped at n2: /) as unknown,
      failure: { type: 'Unhealthy' },
      left: ['Upgraded and kept so: n1.', 'Not touched: n3.'],
    });
    expect(await versions()).toEqual([first.version, before, untouched]);
    expect(await versionOf('g1')).toBe(guest.version);
    const rebooted = await boots();
    expect(rebooted[0]).not.toBe(booted[0]);
    expect(rebooted.slice(1)).toEqual(booted.slice(1));
    await lab().online();

    const mended = await release('n2');
    const { result } = await all(mended.revision);
    expect(result).toMatchObject({ outcome: 'Done', summary: 'n2, n3 upgraded, 1 already so.' });
    expect(await versions()).toEqual([first.version, mended.version, last.version]);
    expect(await boots()).toEqual(rebooted);
    await lab().online();
  }, 400_000);
});
