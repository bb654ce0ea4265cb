import { findCannotDecrypt } from '../../workers/codec/payload-codec.ts';
import { CliError } from '../errors.ts';
import { isOpen, type RunState, type WatchState } from '../run-state.ts';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import type { Poller } from './pollers.ts';
import type { RunReader } from './read-run.ts';

export interface ObserveOptions {
  read: RunReader;
  pollers: () => Promise<Poller[]>;
  signal: AbortSignal;
  now: () => number;
  /** Resolves after `ms`, or at once when the signal fires. */
  pause: (ms: number) => Promise<void>;
  intervalMs?: number;
}

const INTERVAL_MS = 500;
/** Work that waits longer than this for a worker is worth a word. */
const PATIENCE_MS = 5000;

/**
 * What is known of a run, again and again until it is over or the signal fires; the last state is that of the end.
 * A server that does not answer is waited for. Throws CliError where there is no such run.
 */
export async function* observe(options: ObserveOptions): AsyncGenerator<WatchState> {
  const { signal, pause, intervalMs = INTERVAL_MS } = options;
  let state: WatchState = {};
  while (!signal.aborted) {
    state = await look(state, options);
    if (wasLeft(signal)) return;
    yield state;
    if (state.lost === undefined && state.run !== undefined && isOver(state.run)) return;
    await pause(intervalMs);
  }
}

/** A look that was cut short by the signal says nothing of the run. */
const wasLeft = (signal: AbortSignal): boolean => signal.aborted;

/** A run that continued as new is not over: its next look is at the newer execution. */
const isOver = (run: RunState): boolean => !isOpen(run.status) && run.status !== 'ContinuedAsNew';

async function look(before: WatchState, { read, pollers, now }: ObserveOptions): Promise<WatchState> {
  try {
    const run = keepView(await read(), before.run);
    const since = run.unclaimedSince;
    if (since === undefined || now() - Date.parse(since) < PATIENCE_MS) return { run };
    const [lastSeen] = await pollers();
    return {
      run,
      noWorker: {
        since,
        taskQueue: TASK_QUEUE,
        ...(lastSeen === undefined ? {} : { lastSeen: { identity: lastSeen.identity, at: lastSeen.lastAskedAt } }),
      },
    };
  } catch (error) {
    if (error instanceof CliError || findCannotDecrypt(error) !== undefined) throw error;
    const message = error instanceof Error ? shortReason(error) : String(error);
    return {
      ...(before.run === undefined ? {} : { run: before.run }),
      lost: { since: before.lost?.since ?? new Date(now()).toISOString(), message },
    };
  }
}

/** A run that was terminated tells nothing any more: what it said last stays. */
function keepView(run: RunState, before: RunState | undefined): RunState {
  const known = before?.runId === run.runId ? before.view : undefined;
  return run.view === undefined && known !== undefined ? { ...run, view: known } : run;
}

/** gRPC's own sentence is below the SDK's. */
function shortReason(error: Error): string {
  let at: Error = error;
  while (at.cause instanceof Error) at = at.cause;
  return at.message.split('\n')[0] ?? at.message;
}
