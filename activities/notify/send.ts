import type { Channel } from '../../fleet/schema.ts';
import { noticeText, type Delivery, type Notice, type NoticeText } from '../../plan/notice.ts';
import { sendByMail } from './email.ts';
import { sendToNtfy } from './ntfy.ts';
import { BadSecretFile } from './secret-file.ts';
import { refused } from './trouble.ts';
import { sendToWebhook } from './webhook.ts';

/** A message, and what it is known by where it comes twice. */
export interface Message {
  notice: Notice;
  id: string;
}

/** Sends it once, on that channel. Resolves whatever happens; no text of the answer has a secret in it. */
export async function sendOn(channel: Channel, message: Message, signal: AbortSignal): Promise<Delivery> {
  try {
    return await sendAs(channel, message, noticeText(message.notice, channel), signal);
  } catch (error) {
    if (error instanceof BadSecretFile) return refused(error.message);
    throw error;
  }
}

function sendAs(channel: Channel, message: Message, text: NoticeText, signal: AbortSignal): Promise<Delivery> {
  switch (channel.type) {
    case 'ntfy':
      return sendToNtfy(channel, message.notice, text, signal);
    case 'webhook':
      return sendToWebhook(channel, message, text, signal);
    case 'email':
      return sendByMail(channel, message.id, text, signal);
  }
}
