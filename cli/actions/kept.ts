import { WorkflowFailedError } from '@temporalio/client';
import type { KeptView } from '../../plan/kept.ts';
import { KEPT_WORKFLOW, TASK_QUEUE, type GlanceInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { causes, CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { colourOf, print, printJson, widthOf } from '../io.ts';
import { renderKept } from '../render/kept.ts';
import { loadRepository } from '../repository.ts';
import { clientOf } from '../temporal/client.ts';
import { requireWorker } from '../temporal/pollers.ts';
import { withTemporal } from '../temporal/session.ts';

/** A member that does not answer is given 30 s. */
const PATIENCE_MS = 60_000;

type Kept = (input: GlanceInput) => Promise<KeptView>;

/** Has a worker look at every member. */
export async function listKept(context: CommandContext, { json }: { json?: true }): Promise<Ending> {
  const { io } = context;
  const { revision } = await loadRepository(context);
  return withTemporal(context, async (connected) => {
    await requireWorker(connected, 'Not listed', io.now());
    let view: KeptView;
    try {
      view = await connected.connection.withDeadline(Date.now() + 2 * PATIENCE_MS, () =>
        clientOf(connected).workflow.execute<Kept>(KEPT_WORKFLOW, {
          workflowId: `${KEPT_WORKFLOW}/${crypto.randomUUID().slice(0, 8)}`,
          taskQueue: TASK_QUEUE,
          args: [{ fleet: { revision } }],
          workflowExecutionTimeout: PATIENCE_MS,
          staticSummary: 'Looks for what runs have set aside. Changes nothing.',
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new CliError('failed', `Not listed: ${causes(error.cause).at(-1) ?? error.message}`);
    }
    if (json === true) printJson(io, view);
    else print(io, renderKept(view, { width: widthOf(io), colour: colourOf(io), now: io.now() }));
    return view.silent.length === 0 ? 'done' : 'failed';
  });
}
