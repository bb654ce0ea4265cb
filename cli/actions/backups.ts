import type { BackupsView } from '../../plan/backups-view.ts';
import { worstOf } from '../../plan/copy-age.ts';
import { BACKUPS_WORKFLOW } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderBackups } from '../render/backups.ts';
import { loadRepository } from '../repository.ts';
import { executeLook } from '../temporal/look.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { withTemporal } from '../temporal/session.ts';

/** Disks wake up, thousands of snapshots are looked into, and a repository that is away is given 45 s. */
const PATIENCE_MS = 4 * 60_000;

/** Has a worker look at every copy where it is. */
export async function listBackups(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { revision } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    await requireWorker(connected, 'Not listed', io.now());
    const view = await executeLook<BackupsView>(connected, {
      ...{ workflow: BACKUPS_WORKFLOW, input: { fleet: { revision } }, patienceMs: PATIENCE_MS },
      summary: 'Looks how old the copies are. Changes nothing.',
    });
    if (json === true) printJson(io, view);
    else print(io, renderBackups(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return view.problems.length === 0 && worstOf(view.copies) === 'fresh' ? 'done' : 'failed';
  });
}
