import { WorkflowFailedError } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import type { BackupsView } from '../../plan/backups-view.ts';
import type { FleetGlance } from '../../plan/glance.ts';
import { BACKUPS_WORKFLOW, GLANCE_WORKFLOW, TASK_QUEUE, type GlanceInput } from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { causes, CliError } from '../errors.ts';
import { copiesOfLook, type CopiesSeen } from '../fleet-copies.ts';
import { loadRepository } from '../repository.ts';
import { clientOf } from '../temporal/client.ts';
import type { Connected } from '../temporal/connect.ts';
import { executeLook } from '../temporal/look.ts';

/** A member that does not answer is given 8 s, and then the cluster as long. */
const PATIENCE_MS = 25_000;
/** Who asks for the state of the fleet does not wait for disks to wake up; `runbook backups` does. */
const COPIES_PATIENCE_MS = 60_000;

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

/** Has a worker look at every copy where it is. Why it could not is part of the answer. */
export async function lookAtCopies(context: CommandContext, connected: Connected): Promise<CopiesSeen> {
  const { revision } = await loadRepository(context);
  try {
    const view = await executeLook<BackupsView>(connected, {
      ...{ workflow: BACKUPS_WORKFLOW, input: { fleet: { revision } }, patienceMs: COPIES_PATIENCE_MS },
      summary: 'Looks how old the copies are. Changes nothing.',
    });
    return { from: 'look', copies: copiesOfLook(view) };
  } catch (error) {
    if (!(error instanceof CliError) || error.ending !== 'failed') throw error;
    return { from: 'look', copies: [], problem: error.message };
  }
}

function whyNot({ cause, message }: WorkflowFailedError): string {
  if (cause instanceof TimeoutFailure)
    return `no worker told within ${PATIENCE_MS / 1000} s; it may have stopped, or be of another version than this program`;
  return causes(cause).at(-1) ?? message;
}
