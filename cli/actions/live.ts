import { WorkflowFailedError } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import type { FleetGlance } from '../../plan/glance.ts';
import { GLANCE_WORKFLOW, TASK_QUEUE, type GlanceInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { causes } from '../errors.ts';
import { loadRepository } from '../repository.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';

/** A member that does not answer is given 8 s, and then the cluster as long. */
const PATIENCE_MS = 25_000;

type Glance = (input: GlanceInput) => Promise<FleetGlance>;

/** Has a worker look at members and guests. Why it could not is part of the answer. Throws CliError for the fleet file. */
export async function lookNow(context: CommandContext, connected: Connected): Promise<FleetGlance> {
  const { fleet, revision } = await loadRepository(context);
  try {
    return await connected.connection.withDeadline(Date.now() + 2 * PATIENCE_MS, () =>
      clientOf(connected).workflow.execute<Glance>(GLANCE_WORKFLOW, {
        workflowId: `${GLANCE_WORKFLOW}/${crypto.randomUUID().slice(0, 8)}`,
        taskQueue: TASK_QUEUE,
        args: [{ fleet: { revision } }],
        // What no worker has taken by then would be looked at for nobody.
        workflowExecutionTimeout: PATIENCE_MS,
        staticSummary: 'Looks at members and guests. Changes nothing.',
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const named = (names: object): { name: string }[] => Object.keys(names).map((name) => ({ name }));
    return { members: named(fleet.members), guests: named(fleet.guests), problem: whyNot(error) };
  }
}

function whyNot({ cause, message }: WorkflowFailedError): string {
  if (cause instanceof TimeoutFailure)
    return `no worker told within ${PATIENCE_MS / 1000} s; it may have stopped, or be of another version than this program`;
  return causes(cause).at(-1) ?? message;
}
