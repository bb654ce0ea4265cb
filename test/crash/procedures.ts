import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, VIEW_QUERY } from '../../workflows/messages.ts';
import { killPointsOf, type KillPoint } from './kill-points.ts';
import { prepareKills, strike, type Kill } from './killing.ts';
import type { Scenario } from './scenarios.ts';
import { toldAtEnd, toldNow } from './told.ts';
import { workerLog } from './worker-program.ts';
import { createWorld, type Run, type World, type WorldOptions } from './world.ts';

/** A procedure that asks before it begins, with what may never be and what has to be in the end: each names what is wrong. */
export interface Procedure extends Scenario {
  wrongEver(world: World): string[];
  wrongAtEnd(world: World, view: RunView): string[];
}

export interface ProcedureRun {
  view: RunView;
  points: KillPoint[];
  /** Empty where all is as it has to be. */
  wrong: string[];
}

/** Runs it, with these kills of the worker in the order in which it gets to them. */
export async function runProcedure(
  place: Omit<WorldOptions, 'scenario'> & { scenario: Procedure },
  kills: readonly Kill[] = [],
): Promise<ProcedureRun> {
  const { scenario } = place;
  const world = await createWorld(place);
  let stopAnswering = (): Promise<void> => Promise.resolve();
  try {
    const armed = await prepareKills(world, kills);
    const run = await world.start(scenario.begin);
    stopAnswering = sayYes(run);
    const wrong: string[] = [];
    for (const [i, each] of armed.entries()) {
      const { label, step } = each.kill.point;
      const meanwhile = async (): Promise<void> => {
        const found = [...scenario.wrongEver(world), ...(await toldNow(run))];
        wrong.push(...found.map((what) => `${each.kill.when} ${label} in ${step}: ${what}`));
      };
      await strike(world, run, each, { later: armed.slice(i + 1), meanwhile });
    }
    const view = await world.end(run);
    const { outcome, summary, left } = view.result ?? {};
    if (outcome !== scenario.outcome) wrong.push(`${outcome ?? 'none'}: ${summary ?? ''} ${left?.join(' ') ?? ''}`);
    wrong.push(...scenario.wrongEver(world), ...scenario.wrongAtEnd(world, view), ...world.simulation.unknown());
    wrong.push(...(await toldAtEnd(world, run, readFileSync(workerLog(world.stateDir), 'utf8'))));
    return { view, wrong, points: killPointsOf(world.simulation.journal(), view) };
  } finally {
    await stopAnswering();
    await world.dispose();
  }
}

/** To whatever is asked, also while workers come and go. Answers with how to stop: before the connection is closed. */
function sayYes(run: Run): () => Promise<void> {
  const over = new AbortController();
  const answer = async (): Promise<void> => {
    const { approval } = await run.query<RunView>(VIEW_QUERY);
    if (approval === undefined) return;
    const { plan, names } = approval;
    const more = { ...(plan === undefined ? {} : { plan }), ...(names === undefined ? {} : { names }) };
    await run.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'tester', reason: 'go on', ...more }] });
  };
  const answering = (async () => {
    while (!over.signal.aborted) {
      await answer().catch(() => undefined);
      await delay(500);
    }
  })();
  return () => {
    over.abort();
    return answering;
  };
}
