import type { Channel } from '../../fleet/schema.ts';
import type { Delivery, Notice, NoticeText } from '../../plan/notice.ts';
import { request } from './http.ts';
import { readOptional } from './secret-file.ts';

type Ntfy = Extract<Channel, { type: 'ntfy' }>;

/** ntfy's levels go from 1 to 5; 3 is its default, from 4 on a phone makes itself heard. Tags become emoji. */
const LOOKS: Record<Notice['event'], { priority: number; tags: string[] }> = {
  failure: { priority: 5, tags: ['rotating_light'] },
  rollback: { priority: 4, tags: ['leftwards_arrow_with_hook'] },
  approval: { priority: 4, tags: ['raised_hand'] },
  'stale-backup': { priority: 4, tags: ['hourglass'] },
  recovered: { priority: 2, tags: ['white_check_mark'] },
  test: { priority: 3, tags: ['wave'] },
};

/**
 * Publishes as JSON (docs.ntfy.sh/publish/#publish-as-json), at the server's root: a header could not hold every title.
 * Throws BadSecretFile.
 */
export async function sendToNtfy(
  { url, topic, tokenFile }: Ntfy,
  { event, link }: Notice,
  { title, body }: NoticeText,
  signal: AbortSignal,
): Promise<Delivery> {
  const token = await readOptional(tokenFile);
  return request(
    {
      ...{ method: 'POST', url, secrets: [token] },
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        topic,
        title,
        message: body,
        ...LOOKS[event],
        ...(link === undefined ? {} : { click: link }),
      }),
    },
    signal,
  );
}
