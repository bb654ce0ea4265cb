import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { print } from '../io.ts';
import { cancelOutlook } from '../render/cancel.ts';
import { clean } from '../render/clean.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import { clientOf } from '../temporal/client.ts';
import { withTemporal } from '../temporal/session.ts';
import { runReader } from '../temporal/read-run.ts';
import { requireOpen } from '../temporal/updates.ts';
import { watchRun } from './watch.ts';

/**
 * Asks a run to stop, says what that comes to, and follows it.
 * Ends `done` when the run is over and all is as before; a run that got to its end first counts as failed.
 */
export function cancel(context: CommandContext, typed: string, options: RunOptions): Promise<Ending> {
  const { io } = context;
  const ref = parseRun(typed, options);
  return withTemporal(context, async (connected) => {
    const { view: before } = await requireOpen(connected, ref, 'Not cancelled');
    await clientOf(connected).workflow.getHandle(ref.workflowId, ref.runId).cancel();
    if (options.json !== true) print(io, [`${clean(ref.workflowId)} is asked to stop. ${cancelOutlook(before)}`, '']);
    const ending = await watchRun(io, connected, ref, options.json === true);
    if (ending !== 'failed') return cancelEnding(ending);
    const { view } = await runReader(connected, ref)();
    return view?.result?.unchanged === true ? 'done' : 'failed';
  });
}

function cancelEnding(ending: Ending): Ending {
  if (ending === 'rolled back') return 'done';
  return ending === 'done' || ending === 'already so' ? 'failed' : ending;
}
