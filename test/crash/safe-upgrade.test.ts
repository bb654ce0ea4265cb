import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { coverageOf, gapsIn, renderCoverage } from './coverage.ts';
import { describeKill, MOMENTS, VICTIMS, type Kill, type Victim } from './killing.ts';
import type { RunView } from '../../plan/run.ts';
import { runCrashed, runUncrashed, type Crashed, type Ending, type Uncrashed } from './runs.ts';
import { dealOut, runAll } from './schedule.ts';
import { SCENARIOS } from './scenarios.ts';
import { startTemporalServer } from './temporal-server.ts';
import { buildWorkerProgram } from './worker-program.ts';

/**
 * A run costs seconds of computing, a killed worker ten seconds of waiting for its heartbeat: so each run is killed several
 * times, steps apart, and many runs wait at the same time.
 */
const KILLS_PER_RUN = 10;
const RUNS_AT_ONCE = 8;
const TIMEOUT_MS = 1_800_000;

const program = await buildWorkerProgram();
const uncrashed = await recordAll();
const runs = uncrashed.flatMap((known, i) => planRuns(known, uncrashed.slice(0, i)));
// A killed server would be missed by all who share it.
const sharing = runs.filter(({ victim }) => victim === 'worker');
const server = await startTemporalServer(sharing.map(({ namespace }) => namespace));
const endings = runAll(
  runs.map((run) => () => crash(run)),
  RUNS_AT_ONCE,
);
for (const ending of endings) ending.catch(() => undefined);

afterAll(async () => {
  await Promise.allSettled(endings);
  await server.stop();
  await program.remove();
}, TIMEOUT_MS);

interface PlannedRun {
  namespace: string;
  known: Uncrashed;
  victim: Victim;
  kills: Kill[];
}

async function recordAll(): Promise<Uncrashed[]> {
  const recorder = await startTemporalServer(SCENARIOS.map((_, i) => `uncrashed-${i}`));
  try {
    return await Promise.all(
      SCENARIOS.map((scenario, i) =>
        runUncrashed({ program, server: recorder, namespace: `uncrashed-${i}`, scenario }),
      ),
    );
  } finally {
    await recorder.stop();
  }
}

/**
 * Kills in every way at the points that no earlier scenario has as well. At the others once more, as this one goes on
 * differently: the worst is the loss of a worker whose command has done its work already.
 */
function planRuns(known: Uncrashed, earlier: readonly Uncrashed[]): PlannedRun[] {
  const others = new Set(earlier.flatMap(({ points }) => points.map(({ step, label }) => `${step} ${label}`)));
  const isWanted = ({ victim, when, point }: Kill): boolean =>
    others.has(`${point.step} ${point.label}`)
      ? victim === 'worker' && when === 'after'
      : when === 'after' || point.opens;
  return VICTIMS.flatMap((victim) => {
    const kills = known.points.flatMap((point) => MOMENTS.map((when) => ({ victim, when, point }))).filter(isWanted);
    return dealOut(kills, KILLS_PER_RUN).map((dealt, i) => ({
      namespace: `${known.scenario.name.replaceAll(' ', '-')}-${victim}-${i}`,
      known,
      victim,
      kills: dealt,
    }));
  });
}

async function crash({ namespace, known, victim, kills }: PlannedRun): Promise<Crashed> {
  const { scenario } = known;
  if (victim === 'worker') return runCrashed({ program, server, namespace, scenario }, kills);
  const own = await startTemporalServer([namespace]);
  try {
    return await runCrashed({ program, server: own, namespace, scenario }, kills);
  } finally {
    await own.stop();
  }
}

/** A difference comes with the run as a person would have seen it. */
function expectSame(ending: Ending, wanted: Ending, view: RunView): void {
  try {
    expect(ending).toEqual(wanted);
  } catch (difference) {
    if (!(difference instanceof Error)) throw difference;
    difference.message += `\n\nThe run at its end:\n${JSON.stringify(view, undefined, 1)}`;
    throw difference;
  }
}

describe.each(uncrashed)('safe-upgrade of $scenario.name', (known) => {
  it(`ends as ${known.scenario.outcome} when nothing is killed`, () => {
    expect(known.ending.state).toMatchObject({ outcome: known.scenario.outcome, leftovers: [], unknown: [] });
  });

  runs.forEach((run, i) => {
    if (run.known !== known) return;
    describe('in one run', () => {
      for (const kill of run.kills)
        it(
          describeKill(kill),
          async () => {
            const { ending, view } = (await endings[i]) as Crashed;
            expectSame(ending, known.ending, view);
          },
          TIMEOUT_MS,
        );
    });
  });
});

it(
  'kills worker and, apart, server before and after the effect of every step',
  async () => {
    const settled = await Promise.allSettled(endings);
    const survived = runs.filter((run, i) => {
      const end = settled[i];
      return end?.status === 'fulfilled' && isDeepStrictEqual(end.value.ending, run.known.ending);
    });
    const ran = uncrashed.flatMap(({ view }) => view.steps.filter(({ startedAt }) => startedAt !== undefined));
    const coverage = coverageOf(
      [...new Set(ran.map(({ id }) => id))],
      survived.flatMap(({ kills }) => kills),
    );
    process.stdout.write(`\n${renderCoverage(coverage)}\n`);
    expect(gapsIn(coverage)).toEqual([]);
  },
  TIMEOUT_MS,
);
