import * as z from 'zod';

import * as field from './fields.ts';
import { variant } from './variant.ts';

/** Who is told, of what, and by which way. That a file is named and a secret is not is checked by the fields themselves. */

export const NOTICE_EVENTS = ['failure', 'rollback', 'approval', 'stale-backup', 'recovered'] as const;

const secretFile = (what: string, example: string) =>
  field.absolutePath
    .describe(`${what}, in a file of the worker’s machine that its user can read. Never the secret itself.`)
    .meta({ examples: [example] });

/** What each channel has. */
const common = {
  on: z
    .array(z.enum(NOTICE_EVENTS))
    .min(1, 'at least one event')
    .default([...NOTICE_EVENTS])
    .describe('The events that are told here. Without it, all of them.'),
  title: field.noticeTitle
    .default('{fleet}: {headline}')
    .describe('The title or subject. The placeholders are in [notifications](notifications.md#texts).'),
  body: field.noticeBody
    .default('{what}\n{command}\n{link}')
    .describe('The text. A line whose placeholders are all empty is left out.'),
};

const ntfy = variant('ntfy', 'A topic of an ntfy server.', {
  url: field.httpUrl.default('https://ntfy.sh').describe('The server, without the topic.'),
  topic: field.ntfyTopic
    .describe('The topic. On a server that lets anybody read, its name is all that protects it.')
    .meta({ examples: ['homelab-4711'] }),
  tokenFile: secretFile('The access token', '/run/secrets/ntfy-token').optional(),
  ...common,
});

const webhook = variant('webhook', 'A POST of JSON to a URL.', {
  url: field.httpUrl.optional().describe('Where to. One of `url` and `urlFile`.'),
  urlFile: secretFile('The URL, where who knows it may post', '/run/secrets/hook-url').optional(),
  headerFiles: z
    .record(field.headerName, secretFile('The value of the header', '/run/secrets/hook-authorization'))
    .default({})
    .describe('Headers to send, by name: each a file with the value.'),
  signatureFile: secretFile(
    'The key that each message is signed with, by HMAC with SHA-256',
    '/run/secrets/hook-key',
  ).optional(),
  ...common,
});

const email = variant('email', 'A message by SMTP.', {
  host: field.address.describe('The SMTP server.').meta({ examples: ['mail.example.net'] }),
  port: field.port.default(587).describe('Its port.'),
  security: z
    .enum(['starttls', 'tls', 'none'])
    .default('starttls')
    .describe(
      '`starttls` asks for TLS and sends nothing without it, `tls` speaks TLS from the first byte (port 465), `none` sends in the clear.',
    ),
  user: field.oneLine.optional().describe('Who logs in. Together with `passwordFile`.'),
  passwordFile: secretFile('The password', '/run/secrets/smtp-password').optional(),
  from: field.emailAddress.describe('The sender.').meta({ examples: ['runbook@example.net'] }),
  to: z
    .array(field.emailAddress)
    .min(1, 'at least one address')
    .describe('Who gets it.')
    .meta({ examples: [['ada@example.net']] }),
  ...common,
});

const deadMan = z.strictObject({
  url: field.httpUrl.optional().describe('What is asked by GET. One of `url` and `urlFile`.'),
  urlFile: secretFile('The URL, where who knows it may ping', '/run/secrets/dead-man-url').optional(),
  every: field.minutesOrHours.default('5m').describe('So often.'),
});

export const notifications = z.strictObject({
  channels: z
    .record(field.nodeName, z.discriminatedUnion('type', [ntfy, webhook, email]))
    .default({})
    .describe('The ways, by a name of your choice.'),
  deadMan: deadMan
    .optional()
    .describe(
      'A URL that is asked while worker, Temporal and the look at runs all work: who watches it misses the call when one does not.',
    ),
});
