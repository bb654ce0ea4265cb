import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderRecord } from '../render/record.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { recordOf, type RunRecord } from '../run-history.ts';
import type { Connected } from '../temporal/connect.ts';
import { readHistory } from '../temporal/history.ts';
import { runReader, type RunRef } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';

export function show(context: CommandContext, typed: string, options: RunOptions): Promise<Ending> {
  const ref = parseRun(typed, options);
  const { io } = context;
  return withTemporal(context, async (connected) => {
    const record = await readRecord(connected, ref);
    if (options.json === true) printJson(io, record);
    else print(io, renderRecord(record, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return 'done';
  });
}

/** Everything that is known of a run. Throws CliError `failed` where there is no such run. */
export async function readRecord(connected: Connected, ref: RunRef): Promise<RunRecord> {
  const run = await runReader(connected, ref)();
  return recordOf(run, await readHistory(connected, { workflowId: run.workflowId, runId: run.runId }));
}
