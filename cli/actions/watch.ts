import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { print, printJson, type Io } from '../io.ts';
import { clean } from '../render/clean.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { endingOf, type WatchState } from '../run-state.ts';
import type { Connected } from '../temporal/connect.ts';
import { observe } from '../temporal/observe.ts';
import { listPollers } from '../temporal/pollers.ts';
import { runReader, type RunRef } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';
import { watchOutput } from './watch-output.ts';

export function watch(context: CommandContext, run: string, options: RunOptions): Promise<Ending> {
  const ref = parseRun(run, options);
  return withTemporal(context, (connected) => watchRun(context.io, connected, ref, options.json === true));
}

/**
 * Shows a run until it is over and returns how it ended. Ctrl-C leaves it running.
 * Throws CliError `failed` where there is no such run.
 */
export async function watchRun(io: Io, connected: Connected, ref: RunRef, json: boolean): Promise<Ending> {
  const leave = new AbortController();
  const stopListening = io.onInterrupt(() => {
    leave.abort();
  });
  const read = runReader(connected, ref);
  const states = observe({
    // A signal of its own for each look: the client leaves its listener on the one it is given.
    read: () => connected.connection.withAbortSignal(AbortSignal.any([leave.signal]), read),
    pollers: () => listPollers(connected),
    signal: leave.signal,
    now: io.now,
    pause: (ms) => delay(ms, undefined, { signal: leave.signal }).catch(() => undefined),
  });
  const output = watchOutput(io, json);
  let last: WatchState = {};
  try {
    for await (const state of states) {
      output.show(state);
      last = state;
    }
  } finally {
    stopListening();
    output.close();
  }
  return conclude(io, ref, json, leave.signal.aborted, last);
}

function conclude(io: Io, ref: RunRef, json: boolean, left: boolean, { run }: WatchState): Ending {
  if (left || run === undefined) {
    if (json) printJson(io, { type: 'left', workflowId: ref.workflowId });
    else print(io, ['', `Left; the run goes on.   runbook watch ${clean(ref.workflowId)}`]);
    return 'interrupted';
  }
  const ending = endingOf(run);
  if (json) printJson(io, { type: 'end', workflowId: run.workflowId, runId: run.runId, ending });
  return ending;
}
