import { ActivityCancellationType, type ActivityOptions } from '@temporalio/workflow';
import { NON_RETRYABLE } from '../../plan/failures.ts';

/** How activities of each kind are bounded, and why. */
export const RETRIES = {
  /** Reading: a person waits for the answer, so an unreachable host is reported after two minutes rather than waited for. */
  observe: options({ startToClose: '2 minutes', scheduleToClose: '4 minutes', maximumInterval: '10 seconds' }),
  /**
   * Changing something: a host that loses power in the middle comes back when somebody plugs it in,
   * and going on is better than leaving it half-way: six hours, so that a night's outage ends in the morning.
   */
  act: options({ startToClose: '20 minutes', scheduleToClose: '6 hours', maximumInterval: '30 seconds' }),
  /** Builds and deployments: as above, and the work itself may take hours (a kernel built from source). */
  long: options({ startToClose: '5 hours', scheduleToClose: '12 hours', maximumInterval: '30 seconds' }),
  /** Rolling back: as acting, bounded so that a run that cannot be rolled back says so within an hour. */
  rollBack: options({ startToClose: '20 minutes', scheduleToClose: '1 hour', maximumInterval: '15 seconds' }),
} as const;

/** An activity whose time is over learns of it with its next heartbeat. */
export const LEARNS_WITHIN = '10 seconds';

export type RetryKind = keyof typeof RETRIES;

function options(times: { startToClose: string; scheduleToClose: string; maximumInterval: string }): ActivityOptions {
  return {
    startToCloseTimeout: times.startToClose,
    scheduleToCloseTimeout: times.scheduleToClose,
    // Activities beat every two seconds; a worker that was killed is noticed, and its work adopted, within ten.
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: '1 second',
      backoffCoefficient: 2,
      maximumInterval: times.maximumInterval as `${number} seconds`,
      nonRetryableErrorTypes: NON_RETRYABLE,
    },
  };
}
