import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CliError } from '../errors.ts';
import type { RunState } from '../run-state.ts';
import { clientOf } from './client.ts';
import type { Connected } from './connect.ts';
import { requireWorker } from './pollers.ts';
import { noSuchRun, runReader, type RunRef } from './read-run.ts';

/** A worker answers in well under a second; longer means that it does not. */
const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Sends an update to an open run and returns its answer. `refused` begins the sentence when the run says no.
 * Throws CliError: `failed` where there is no such open run or it refuses, `no worker` where nobody would answer.
 */
export async function sendUpdate<Answer>(
  connected: Connected,
  ref: RunRef,
  update: { name: string; args: unknown; refused: string; now: number },
): Promise<Answer> {
  const handle = clientOf(connected).workflow.getHandle(ref.workflowId, ref.runId);
  await requireOpen(connected, ref, update.refused);
  await requireWorker(connected, update.refused, update.now);
  try {
    return await connected.connection.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
      handle.executeUpdate<Answer, [unknown]>(update.name, { args: [update.args] }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noSuchRun(ref, error);
    if (error instanceof WorkflowUpdateFailedError)
      throw new CliError('failed', `${update.refused}: ${error.cause?.message ?? error.message}`, {
        suggestions: [{ command: `runbook show ${ref.workflowId}`, purpose: 'see what it waits for' }],
      });
    throw error;
  }
}

/** The run as it is now. Throws CliError `failed` where it is over. */
export async function requireOpen(connected: Connected, ref: RunRef, refused: string): Promise<RunState> {
  const run = await runReader(connected, ref)();
  if (run.closedAt === undefined) return run;
  throw new CliError('failed', `${refused}: ${ref.workflowId} is over since ${run.closedAt}.`, {
    suggestions: [{ command: `runbook show ${ref.workflowId}`, purpose: 'see how it ended' }],
  });
}
