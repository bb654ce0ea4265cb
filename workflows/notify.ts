import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { NotifyActivities } from '../activities/contract.ts';
import type { NotifyInput, Told } from './messages.ts';

/**
 * Tells people of one event, each channel for itself: one that is down holds up none of the others, and nothing waits for this
 * workflow. Fails where a channel failed to the end, so that the Web UI shows it red.
 */
export async function notify({ notice, channels }: NotifyInput): Promise<Told[]> {
  const told = await Promise.all(channels.map((channel) => tell(notice, channel)));
  const failed = told.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return told;
  const message = failed.map(({ channel, answer }) => `${channel}: ${answer}`).join(' ');
  throw ApplicationFailure.create({ type: 'NotSent', message, details: [told], nonRetryable: true });
}

async function tell(notice: NotifyInput['notice'], channel: string): Promise<Told> {
  const { sendNotice } = proxyActivities<NotifyActivities>({
    startToCloseTimeout: '2 minutes',
    // A server of the household that is down over night is up the next day; later the message is no news any more.
    scheduleToCloseTimeout: '24 hours',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '5 seconds', backoffCoefficient: 2, maximumInterval: '10 minutes' },
    activityId: channel,
    summary: `${channel}: ${notice.headline}`,
  });
  try {
    const sent = await sendNotice({ notice, channel, id: workflowInfo().workflowId });
    if (sent !== undefined) return { channel, outcome: 'sent', answer: sent.answer };
    return { channel, outcome: 'dropped', answer: 'The fleet file has no such channel any more.' };
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { channel, outcome: 'failed', answer: error.cause?.message ?? error.message };
  }
}
