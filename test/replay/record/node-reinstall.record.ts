import { expect } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { Outcome } from '../../../plan/run.ts';
import type { nodeReinstall } from '../../../workflows/node-reinstall.ts';
import { startReinstall, withReinstall } from '../../temporal/reinstalling.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { answer } from './answer.ts';
import { record, type Stage } from './recorder.ts';

const MEMBER = 'nuc-1';
type Handle = WorkflowHandle<typeof nodeReinstall>;

/** `extra`: to the command. */
async function start(
  { env, startFleet }: Stage,
  { planOnly = false, isInstaller = true, fails = false, extra = [] as string[] } = {},
): Promise<Handle> {
  const { simulation } = await startFleet((fleetFile) => withReinstall(fleetFile, MEMBER, { extra }));
  if (isInstaller) await simulation.bootInstaller(MEMBER);
  if (fails)
    await simulation.addFault({
      tool: 'install-member',
      effect: { type: 'fail', exitCode: 1, stderr: 'no space left' },
    });
  return startReinstall(env, simulation, MEMBER, planOnly);
}

async function ended(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  expect((await viewOf(handle)).result).toMatchObject({ outcome });
  return handle;
}

async function agreed(handle: Handle, outcome: Outcome): Promise<WorkflowHandle> {
  await answer(handle, { approved: true, name: MEMBER });
  return ended(handle, outcome);
}

record('nodeReinstall', {
  done: async (stage) => agreed(await start(stage, { extra: ['--version', '26.05.0'] }), 'Done'),
  failed: async (stage) => agreed(await start(stage, { fails: true }), 'Failed'),
  rejected: async (stage) => {
    const handle = await start(stage);
    await answer(handle, { approved: false });
    return ended(handle, 'Failed');
  },
  refused: async (stage) => ended(await start(stage, { isInstaller: false }), 'Failed'),
  'plan-only': async (stage) => ended(await start(stage, { planOnly: true }), 'Done'),
});
