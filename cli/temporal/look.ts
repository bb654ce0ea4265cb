import { WorkflowFailedError } from '@temporalio/client';
import { TASK_QUEUE, type GlanceInput } from '../../workflows/messages.ts';
import { causes, CliError } from '../errors.ts';
import { clientOf } from './client.ts';
import type { Connected } from './connect.ts';

interface Look {
  /** The workflow's type, and the beginning of its id. */
  workflow: string;
  input: GlanceInput;
  patienceMs: number;
  summary: string;
}

/** Has a worker look at the fleet, and waits for what it saw. Throws CliError `failed` where that failed. */
export async function executeLook<View>(
  connected: Connected,
  { workflow, input, patienceMs, summary }: Look,
): Promise<View> {
  type Looks = (input: GlanceInput) => Promise<View>;
  try {
    return await connected.connection.withDeadline(Date.now() + 2 * patienceMs, () =>
      clientOf(connected).workflow.execute<Looks>(workflow, {
        workflowId: `${workflow}/${crypto.randomUUID().slice(0, 8)}`,
        taskQueue: TASK_QUEUE,
        args: [input],
        workflowExecutionTimeout: patienceMs,
        staticSummary: summary,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new CliError('failed', `Not listed: ${causes(error.cause).at(-1) ?? error.message}`);
  }
}
