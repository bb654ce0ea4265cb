import { createHmac } from 'node:crypto';
import type { Channel } from '../../fleet/schema.ts';
import type { Delivery, Notice, NoticeText } from '../../plan/notice.ts';
import { request } from './http.ts';
import { readOptional, readSecret } from './secret-file.ts';

type Webhook = Extract<Channel, { type: 'webhook' }>;

/** Posts JSON, signed where there is a key. `id` is the same where it is sent twice. Throws BadSecretFile. */
export async function sendToWebhook(
  { url = '', urlFile, headerFiles, signatureFile }: Webhook,
  { notice, id }: { notice: Notice; id: string },
  { title, body: message }: NoticeText,
  signal: AbortSignal,
): Promise<Delivery> {
  const secretUrl = await readOptional(urlFile);
  const headers = await Promise.all(
    Object.entries(headerFiles).map(async ([name, file]) => [name, await readSecret(file)] as const),
  );
  const key = await readOptional(signatureFile);
  const body = JSON.stringify({ id, title, message, ...notice });
  const own = {
    'content-type': 'application/json',
    'x-runbook-id': id,
    ...(key === undefined ? {} : signed(body, key, Math.floor(Date.now() / 1000))),
  };
  const secrets = [secretUrl, key, ...headers.map(([, value]) => value)];
  const to = { method: 'POST', url: secretUrl ?? url } as const;
  return request({ ...to, headers: { ...Object.fromEntries(headers), ...own }, body, secrets }, signal);
}

/** Over time and body, so that an old message cannot be sent again as a new one. */
const signed = (body: string, key: string, time: number): Record<string, string> => ({
  'x-runbook-timestamp': String(time),
  'x-runbook-signature': `sha256=${createHmac('sha256', key).update(`${time}.${body}`).digest('hex')}`,
});
