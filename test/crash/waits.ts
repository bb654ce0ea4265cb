import type { RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, type DecideArgs } from '../../workflows/messages.ts';
import { endStateOf, type EndState } from './end-state.ts';
import { eventually } from './eventually.ts';
import { howEnded } from './killing.ts';
import { upgradeOf } from './scenarios.ts';
import { createWorld, type Run, type World, type WorldOptions } from './world.ts';

/** Where a run waits without any command being at work. */
export type Wait = 'a lock' | 'an approval' | 'quiet';

const IS_WAITING: Record<Wait, (view: RunView) => boolean> = {
  'a lock': ({ waitingFor }) => waitingFor.length > 0,
  'an approval': ({ approval }) => approval !== undefined,
  quiet: ({ steps }) => steps.some(({ id, state }) => id === 'soak' && state === 'running'),
};

/** Long enough to be met, also by a worker that has just been started. */
const POLICIES = { reboot: 'ask', soak: '15s' };

const SCENARIO: WorldOptions['scenario'] = {
  prepare: (simulation) => {
    const newer = { version: '26.05.3', kernel: '6.12.9' };
    simulation.setSpec('edge-vm', newer);
    simulation.setSpec('home-vm', newer);
    return Promise.resolve();
  },
};

/**
 * Two guests of one member: the first run holds the member's lock until it is told that its guest may restart, the
 * second meets every kind of waiting. `during` is called while it waits.
 */
export async function runWithWaits(
  place: Omit<WorldOptions, 'scenario'>,
  during: (world: World, wait: Wait) => Promise<void>,
): Promise<{ states: EndState[]; views: RunView[] }> {
  const world = await createWorld({ ...place, scenario: SCENARIO, policies: POLICIES });
  try {
    const first = await world.start(upgradeOf('home-vm'));
    await isWaiting(world, first, 'an approval');
    const second = await world.start(upgradeOf('edge-vm'));
    await meet(world, second, 'a lock', during);
    await approve(first);
    const firstView = await world.end(first);
    await meet(world, second, 'an approval', during);
    await approve(second);
    await meet(world, second, 'quiet', during);
    const views = [firstView, await world.end(second)];
    return { views, states: views.map((view) => endStateOf(world, view)) };
  } finally {
    await world.dispose();
  }
}

async function meet(
  world: World,
  run: Run,
  wait: Wait,
  during: (world: World, wait: Wait) => Promise<void>,
): Promise<void> {
  await isWaiting(world, run, wait);
  await during(world, wait);
}

function isWaiting(world: World, run: Run, wait: Wait): Promise<void> {
  return eventually(async () => IS_WAITING[wait](await world.view(run)), {
    what: `${run.workflowId} to wait for ${wait}`,
    withinMs: 300_000,
    everyMs: 100,
    unless: () => howEnded(world, run),
  });
}

/** Asked again while nobody is there to take it. */
async function approve(run: Run): Promise<void> {
  const args: DecideArgs = { approved: true, actor: 'tester', reason: 'go on' };
  await eventually(
    async () => {
      await run.executeUpdate(DECIDE_UPDATE, { updateId: 'approve', args: [args] });
      return true;
    },
    { what: `${run.workflowId} to take the approval`, withinMs: 60_000, everyMs: 200 },
  );
}
