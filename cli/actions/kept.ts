import type { KeptView } from '../../plan/kept.ts';
import { KEPT_WORKFLOW } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderKept } from '../render/kept.ts';
import { loadRepository } from '../repository.ts';
import { executeLook } from '../temporal/look.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { withTemporal } from '../temporal/session.ts';

/** A member that does not answer is given 30 s. */
const PATIENCE_MS = 60_000;

/** Has a worker look at every member. */
export async function listKept(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { revision } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    await requireWorker(connected, 'Not listed', io.now());
    const view = await executeLook<KeptView>(connected, {
      ...{ workflow: KEPT_WORKFLOW, input: { fleet: { revision } }, patienceMs: PATIENCE_MS },
      summary: 'Looks for what runs have set aside. Changes nothing.',
    });
    if (json === true) printJson(io, view);
    else print(io, renderKept(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return view.silent.length === 0 ? 'done' : 'failed';
  });
}
