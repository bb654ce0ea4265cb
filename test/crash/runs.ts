import type { RunView } from '../../plan/run.ts';
import { effectsOf } from './effects.ts';
import { endStateOf, type EndState } from './end-state.ts';
import { killPointsOf, type KillPoint } from './kill-points.ts';
import { prepareKills, strike, type Kill } from './killing.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';
import type { Scenario } from './scenarios.ts';

/** What is the same however often something was killed. */
export interface Ending {
  state: EndState;
  /** How often each command changed something. */
  effects: Record<string, number>;
}

export interface Uncrashed {
  scenario: Scenario;
  ending: Ending;
  view: RunView;
  points: KillPoint[];
}

export interface Crashed {
  ending: Ending;
  view: RunView;
}

type Place = Omit<WorldOptions, 'scenario'> & { scenario: Scenario };

/** The run that nothing happens to: what all others have to end as, and where they can be killed. */
export function runUncrashed(place: Place): Promise<Uncrashed> {
  return inWorld(place, async (world) => {
    const view = await world.end(await world.start(place.scenario.begin));
    const journal = world.simulation.journal();
    const ending = { state: endStateOf(world, view), effects: effectsOf(journal) };
    return { scenario: place.scenario, view, ending, points: killPointsOf(journal, view) };
  });
}

/** The same with kills, in the order in which the run gets to them. */
export function runCrashed(place: Place, kills: readonly Kill[]): Promise<Crashed> {
  return inWorld(place, async (world) => {
    const armed = await prepareKills(world, kills);
    const run = await world.start(place.scenario.begin);
    for (const [i, each] of armed.entries()) await strike(world, run, each, { later: armed.slice(i + 1) });
    const view = await world.end(run);
    const effects = effectsOf(world.simulation.journal(), kills);
    return { view, ending: { state: endStateOf(world, view), effects } };
  });
}

async function inWorld<T>(place: Place, work: (world: World) => Promise<T>): Promise<T> {
  const world = await createWorld(place);
  try {
    return await work(world);
  } finally {
    await world.dispose();
  }
}
