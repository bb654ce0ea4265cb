import { ApplicationFailure } from '@temporalio/common';
import type { NotifyActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';
import { sendOn } from './notify/send.ts';

/** Messages to people. */
export function createNotifyActivities({
  head,
  fleetAt,
  delivered = () => undefined,
}: Pick<Deps, 'head' | 'fleetAt' | 'delivered'>): NotifyActivities {
  return {
    sendNotice: guarded(async ({ notice, channel: name, id }, { signal }) => {
      const { channels } = (await fleetAt(await head())).notifications;
      const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
      if (channel === undefined) return undefined;
      const delivery = await sendOn(channel, { notice, id }, signal);
      // It was this worker's end or a person's wish, and says nothing of the channel.
      if (delivery.type === 'failed' && signal.aborted) throw signal.reason as Error;
      delivered(name, delivery.type);
      if (delivery.type === 'sent') return { answer: delivery.answer };
      throw notSent(delivery);
    }),
  };
}

/** A no stays a no until somebody mends the channel, so it is asked for less often. */
const notSent = ({ isRefusal, message }: { isRefusal: boolean; message: string }): ApplicationFailure =>
  ApplicationFailure.create({ type: 'NotSent', message, ...(isRefusal ? { nextRetryDelay: '1 hour' } : {}) });
