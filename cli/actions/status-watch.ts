import { createLogUpdate } from 'log-update';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import type { FleetStatus } from '../fleet-status.ts';
import { colourOf, print, widthOf } from '../io.ts';
import { renderStatusWatch, type StatusWatch } from '../render/status-watch.ts';
import type { Connected } from '../temporal/connect.ts';
import { withTemporal } from '../temporal/session.ts';
import { fleetNow } from './fleet-now.ts';

const INTERVAL_MS = 5000;
/** Members are asked each time. */
const LIVE_INTERVAL_MS = 60_000;

/**
 * Redraws the state of the fleet until Ctrl-C. A server that does not answer any more is waited for.
 * @throws {CliError} `wrong usage` where there is no terminal to draw on
 */
export function watchStatus(context: CommandContext, { live }: { live: boolean }): Promise<Ending> {
  const { io } = context;
  if (io.stdout.isTTY !== true)
    throw new CliError('wrong usage', 'Expected a terminal to redraw for --watch, got a pipe or a file.', {
      suggestions: [
        { command: 'runbook status', purpose: 'print it once' },
        { command: 'runbook status --html FILE', purpose: 'write a page, each time that it is typed' },
      ],
    });
  return withTemporal(context, async (connected) => {
    const leave = new AbortController();
    const stopListening = io.onInterrupt(() => {
      leave.abort();
    });
    try {
      await redraw(context, connected, { live, signal: leave.signal });
    } finally {
      stopListening();
    }
    return 'interrupted';
  });
}

async function redraw(
  context: CommandContext,
  connected: Connected,
  { live, signal }: { live: boolean; signal: AbortSignal },
): Promise<void> {
  const { io } = context;
  const update = createLogUpdate(io.stdout);
  const seconds = (live ? LIVE_INTERVAL_MS : INTERVAL_MS) / 1000;
  let watch: StatusWatch = { seconds };
  const lines = (height?: number): string[] => {
    const options = { width: widthOf(io), colour: colourOf(io), now: io.now() };
    return renderStatusWatch(watch, height === undefined ? options : { ...options, height });
  };
  while (!isOver(signal)) {
    watch = await lookAgain(watch, { signal, now: io.now }, () =>
      // A signal of its own for each look: the client leaves its listener on the one it is given.
      connected.connection.withAbortSignal(AbortSignal.any([signal]), () => fleetNow(context, connected, { live })),
    );
    if (isOver(signal)) break;
    update(lines(io.stdout.rows ?? 24).join('\n'));
    await delay(seconds * 1000, undefined, { signal }).catch(() => undefined);
  }
  // All of it goes into the scroll-back, also where it is longer than the terminal.
  update.clear();
  update.done();
  if (watch.status !== undefined) print(io, lines());
}

const isOver = (signal: AbortSignal): boolean => signal.aborted;

/** The first look has to succeed: what is wrong from the beginning does not mend itself. */
async function lookAgain(
  before: StatusWatch,
  { signal, now }: { signal: AbortSignal; now: () => number },
  look: () => Promise<FleetStatus>,
): Promise<StatusWatch> {
  const { seconds } = before;
  try {
    return { seconds, status: await look(), at: now() };
  } catch (error) {
    if (signal.aborted) return before;
    if (before.status === undefined || error instanceof CliError) throw error;
    return { ...before, lost: error instanceof Error ? error.message : String(error) };
  }
}
