import { afterAll, describe, expect, it } from '@jest/globals';
import { INFRA_PROCEDURE } from './infra-procedure.ts';
import { describeKill, MOMENTS, type Kill } from './killing.ts';
import { runProcedure, type Procedure, type ProcedureRun } from './procedures.ts';
import { dealOut, runAll } from './schedule.ts';
import { SECRET_PROCEDURES } from './secret-procedures.ts';
import { startTemporalServer } from './temporal-server.ts';
import { buildWorkerProgram } from './worker-program.ts';

const KILLS_PER_RUN = 8;
const RUNS_AT_ONCE = 6;
const TIMEOUT_MS = 1_800_000;

/** One kill of so many is done; all of them with `RUNBOOK_CRASH_PART=all`. Without it this file is left out. */
const PARTS = 5;
const part = process.env['RUNBOOK_CRASH_PART'] ?? '0';
const isOfPart = (at: number): boolean => part === 'all' || at % PARTS === Number(part) % PARTS;

const PROCEDURES = [...SECRET_PROCEDURES, INFRA_PROCEDURE];
const program = await buildWorkerProgram();
const known = await recordAll();
const runs = known.flatMap(({ procedure, uncrashed }) =>
  dealOut(killsIn(uncrashed), KILLS_PER_RUN).map((kills, i) => ({
    ...{ procedure, kills, namespace: `${procedure.name.replaceAll(' ', '-')}-${i}` },
  })),
);
const server = await startTemporalServer(runs.map(({ namespace }) => namespace));
const ended = runAll(
  runs.map(
    ({ procedure: scenario, kills, namespace }) =>
      () =>
        runProcedure({ program, server, namespace, scenario }, kills),
  ),
  RUNS_AT_ONCE,
);
for (const end of ended) end.catch(() => undefined);

afterAll(async () => {
  await Promise.allSettled(ended);
  await server.stop();
  await program.remove();
}, TIMEOUT_MS);

async function recordAll(): Promise<{ procedure: Procedure; uncrashed: ProcedureRun }[]> {
  const recorder = await startTemporalServer(PROCEDURES.map((_, i) => `uncrashed-${i}`));
  try {
    return await Promise.all(
      PROCEDURES.map(async (procedure, i) => ({
        procedure,
        uncrashed: await runProcedure({ program, server: recorder, namespace: `uncrashed-${i}`, scenario: procedure }),
      })),
    );
  } finally {
    await recorder.stop();
  }
}

/** After every effect, and before the first of each step: before any other is after the one before it. */
function killsIn({ points }: ProcedureRun): Kill[] {
  return points
    .flatMap((point) => MOMENTS.map((when): Kill => ({ victim: 'worker', when, point })))
    .filter(({ when, point }) => when === 'after' || point.opens)
    .filter((_, i) => isOfPart(i));
}

describe.each(known)('$procedure.name', ({ procedure, uncrashed }) => {
  it('ends well when nothing is killed', () => {
    expect(uncrashed.wrong).toEqual([]);
  });

  runs.forEach((run, i) => {
    if (run.procedure !== procedure) return;
    describe('in one run', () => {
      for (const kill of run.kills)
        it(
          describeKill(kill),
          async () => {
            expect((await ended[i])?.wrong).toEqual([]);
          },
          TIMEOUT_MS,
        );
    });
  });
});
