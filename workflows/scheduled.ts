import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Schedule } from '../fleet/schema.ts';
import { aboutRun } from '../plan/about-run.ts';
import { formatAge } from '../plan/duration.ts';
import type { ScheduledEnd } from '../plan/schedules.ts';
import { workflowId as idOf, type FleetRef, type ScheduledInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';
import { describeFailure } from './support/failures.ts';

/** What may be scheduled: a workflow that takes a commit, who starts it, and a node or none. */
const RUNBOOKS: Readonly<Record<Schedule['runbook'], { workflowType: string; summary: string }>> = {
  'identity-backup': { workflowType: 'identityBackup', summary: 'Saves the identity of' },
  'nightly-backup': { workflowType: 'nightlyBackup', summary: 'Copies the volumes of' },
  drift: { workflowType: 'drift', summary: 'Compares with what is declared' },
  'restore-drill': { workflowType: 'restoreDrill', summary: 'Restores copies for a proof, of' },
};

const OUTCOME = defineSearchAttributeKey('RunbookOutcome', 'KEYWORD');
const OUTCOMES = { started: 'Started', skipped: 'Skipped', missed: 'Missed', failed: 'Failed' } as const;

/**
 * Becomes the run that a person would start by hand, under that one id: a schedule adds the time to the id of what it
 * starts, so Temporal alone would let the two run beside each other. It ends when the run has begun, which goes on by itself.
 */
export async function scheduled(input: ScheduledInput): Promise<ScheduledEnd> {
  const end = await begin(input);
  upsertSearchAttributes([{ key: OUTCOME, value: OUTCOMES[end.type] }]);
  setCurrentDetails(end.type === 'started' ? `Began \`${end.workflowId}\` at \`${end.revision}\`.` : end.reason);
  return end;
}

async function begin(input: ScheduledInput): Promise<ScheduledEnd> {
  const lateMs = Date.now() - workflowInfo().startTime.getTime();
  if (lateMs > input.catchUpMs)
    return { type: 'missed', reason: `No worker took it up for ${formatAge(lateMs)}: too late to be made up for.` };
  try {
    return await startRun(input, await pinRevision());
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { message, whatToDo } = describeFailure(error);
    return { type: 'failed', reason: `${message} ${whatToDo}` };
  }
}

/** With the patience of what changes something: nobody waits, and a night's trouble may be over in the morning. */
const pinRevision = (): Promise<FleetRef> =>
  activitiesFor({
    id: 'revision',
    phase: 'gate',
    title: 'commit of the worker’s clone',
    kind: 'act',
  }).currentRevision();

async function startRun({ schedule, runbook, node }: ScheduledInput, fleet: FleetRef): Promise<ScheduledEnd> {
  const { workflowType, summary } = RUNBOOKS[runbook];
  const subject = node ?? 'all';
  const workflowId = idOf(runbook, subject);
  const actor = `schedule ${schedule}`;
  try {
    const { firstExecutionRunId: runId } = await startChild(workflowType, {
      workflowId,
      args: [{ fleet, actor, planOnly: false, ...(node === undefined ? {} : { node }) }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${summary} ${subject}`,
      staticDetails: aboutRun(workflowId, `Started by ${actor} at revision \`${fleet.revision}\`.`),
    });
    return { type: 'started', workflowId, runId, revision: fleet.revision };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { type: 'skipped', workflowId, reason: `${workflowId} was still running.` };
  }
}
