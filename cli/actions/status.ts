import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import type { FleetStatus } from '../fleet-status.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderStatus } from '../render/status.ts';
import { withTemporal } from '../temporal/session.ts';
import { fleetNow } from './fleet-now.ts';

interface StatusOptions {
  json?: true;
  live?: true;
  watch?: true;
  html?: string;
}

/** The fleet in one screen: printed, redrawn until Ctrl-C, or as a page. */
export async function status(context: CommandContext, options: StatusOptions): Promise<Ending> {
  const { io } = context;
  const live = options.live === true;
  if (options.watch === true) {
    const { watchStatus } = await import('./status-watch.ts');
    return watchStatus(context, { live });
  }
  return withTemporal(context, async (connected) => {
    const state = await fleetNow(context, connected, { live });
    if (options.html !== undefined) {
      const { writePage } = await import('./status-page.ts');
      await writePage(context, connected, state, options.html);
    } else if (options.json === true) printJson(io, state);
    else print(io, renderStatus(state, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return live ? endingOf(state) : 'done';
  });
}

/** Whether members and guests were seen; how they are is for the text. */
function endingOf({ live }: FleetStatus): Ending {
  if (live === undefined) return 'no worker';
  return live.problem === undefined ? 'done' : 'failed';
}
