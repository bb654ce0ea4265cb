import { helpForName } from '../../fleet/suggest.ts';
import { quote } from '../../fleet/visible.ts';
import type { RestorableView } from '../../plan/restorable.ts';
import { RESTORABLE_WORKFLOW, type RestorableInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderRestorable } from '../render/restorable.ts';
import { loadRepository } from '../repository.ts';
import { executeLook } from '../temporal/look.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { withTemporal } from '../temporal/session.ts';

/** Disks wake up, thousands of snapshots are looked into, and a repository that is away is given 45 s. */
const PATIENCE_MS = 4 * 60_000;

/** Has a worker list what there is to restore from. */
export async function listRestorable(
  context: CommandContext,
  { volume, json }: { volume?: string; json?: true },
): Promise<Ending> {
  const { io } = context;
  const { revision } = await loadRepository(context);
  const input: RestorableInput = { fleet: { revision }, ...(volume === undefined ? {} : { volume }) };
  return withTemporal(context, async (connected) => {
    await requireWorker(connected, 'Not listed', io.now());
    const view = await executeLook<RestorableView>(connected, {
      ...{ workflow: RESTORABLE_WORKFLOW, input, patienceMs: PATIENCE_MS },
      summary: 'Looks what there is to restore from. Changes nothing.',
    });
    if (volume !== undefined) requireCopies(view, volume);
    if (json === true) printJson(io, view);
    else print(io, renderRestorable(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return view.silent.length === 0 ? 'done' : 'failed';
  });
}

/**
 * Where a place did not answer, that nothing is known of a volume says nothing.
 * @throws {CliError} `wrong usage`
 */
export function requireCopies({ copies, silent, names }: RestorableView, volume: string): void {
  if (copies.length > 0 || silent.length > 0) return;
  throw new CliError(
    'wrong usage',
    `Expected a volume that there is a snapshot of after --volume, got ${quote(volume)}. ${helpForName(volume, names, 'names')}`,
  );
}
