import { randomUUID } from 'node:crypto';
import { sendOn } from '../../activities/notify/send.ts';
import type { Fleet } from '../../fleet/schema.ts';
import type { Delivery } from '../../plan/notice.ts';

/** What came of a test message. Its JSON is documented in docs/cli.md. */
export type TestSent = { channel: string } & Delivery;

/** Sends one message on each of these channels, from here and once: no worker and no Temporal is asked. */
export function sendTest({ name: fleet, notifications }: Fleet, names: readonly string[]): Promise<TestSent[]> {
  const notice = {
    ...{ event: 'test' as const, fleet, at: new Date().toISOString(), command: 'runbook status' },
    ...{ headline: 'a test message', what: 'This channel works. Nothing has happened.' },
  };
  const id = `notify/test/${randomUUID()}`;
  const { signal } = new AbortController();
  return Promise.all(
    Object.entries(notifications.channels)
      .filter(([channel]) => names.includes(channel))
      .map(async ([channel, declared]) => ({ channel, ...(await sendOn(declared, { notice, id }, signal)) })),
  );
}
