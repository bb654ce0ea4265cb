import { createHash } from 'node:crypto';
import type { Channel } from '../../fleet/schema.ts';
import type { Delivery, NoticeText } from '../../plan/notice.ts';
import { readOptional, without } from './secret-file.ts';
import { answerOf, failed, failedOnTheWay, refused, TRUST } from './trouble.ts';

type Email = Extract<Channel, { type: 'email' }>;

const TIMEOUTS = { connectionTimeout: 15_000, greetingTimeout: 15_000, socketTimeout: 30_000, dnsTimeout: 15_000 };

/** Sends by SMTP. `id` makes the Message-ID, by which a mail program knows one that came twice. Throws BadSecretFile. */
export async function sendByMail(
  { host, port, security, user, passwordFile, from, to }: Email,
  id: string,
  { title, body }: NoticeText,
  signal: AbortSignal,
): Promise<Delivery> {
  const pass = await readOptional(passwordFile);
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    ...{ host, port, ...TIMEOUTS, disableFileAccess: true, disableUrlAccess: true },
    ...{ secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    ...(user === undefined || pass === undefined ? {} : { auth: { user, pass } }),
  });
  const close = (): void => {
    transport.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    const sent = await transport.sendMail({
      ...{ from, to, subject: title, text: body, messageId: messageId(id, from) },
      // Nobody's holiday note is to answer it (RFC 3834).
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    const answer = answerOf(without(sent.response, [pass]));
    return {
      type: 'sent',
      answer: sent.rejected.length === 0 ? answer : `${answer} Not to ${sent.rejected.join(', ')}.`,
    };
  } catch (error) {
    return judged(error, `${host}:${port}`, pass);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

const messageId = (id: string, from: string): string =>
  `<${createHash('sha256').update(id).digest('hex').slice(0, 32)}@${from.slice(from.indexOf('@') + 1)}>`;

/** SMTP's 4xx may go otherwise later; its 5xx will not. */
function judged(error: unknown, where: string, secret: string | undefined): Delivery {
  const { code, responseCode, response, message } = error as Error & Partial<SmtpError>;
  // Nothing was said to it then: neither the password nor the message.
  if (code === 'ETLS') return refused(`${where} offers no TLS that can be trusted: ${message}. ${TRUST}`);
  if (responseCode === undefined) return failedOnTheWay(error, where);
  const said = `${where} answered ${answerOf(without(response ?? String(responseCode), [secret]))}`;
  return responseCode >= 500 ? refused(said) : failed(said);
}

interface SmtpError {
  code: string;
  responseCode: number;
  response: string;
}
