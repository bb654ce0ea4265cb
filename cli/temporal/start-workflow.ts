import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TASK_QUEUE } from '../../workflows/messages.ts';
import { CliError } from '../errors.ts';
import { clientOf } from './client.ts';
import type { Connected } from './connect.ts';

/** What Temporal is asked to start. The workflow id excludes a double while the first is open. */
export interface WorkflowStart {
  workflowType: string;
  workflowId: string;
  args: unknown[];
  /** One line for the Web UI. */
  summary: string;
  /** Markdown for the Web UI: {@link aboutRun}. */
  details: string;
}

/** Returns the run id. Throws CliError `already running` where a run of that id is open. */
export async function startWorkflow(connected: Connected, start: WorkflowStart): Promise<string> {
  try {
    const handle = await clientOf(connected).workflow.start(start.workflowType, {
      workflowId: start.workflowId,
      taskQueue: TASK_QUEUE,
      args: start.args,
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: start.summary,
      staticDetails: start.details,
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw alreadyRunning(start.workflowId);
    throw error;
  }
}

/** The error of a second start while the first is open. */
export const alreadyRunning = (id: string): CliError =>
  new CliError('already running', `Not started: ${id} is already running.`, {
    suggestions: [
      { command: `runbook watch ${id}`, purpose: 'follow it' },
      { command: `runbook cancel ${id}`, purpose: 'end it, with its rollback' },
    ],
  });
