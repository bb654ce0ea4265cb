import * as z from 'zod';

import { address, argument, duration, httpUrl, oneLine, port, unit, wholeNumber } from './fields.ts';
import { variant } from './variant.ts';

const retry = {
  timeout: duration.default('10s').describe('How long one attempt may take.'),
  for: duration.default('60s').describe('How long it is tried again until it holds. After that the node is unhealthy.'),
};

const from = z
  .enum(['worker', 'member', 'guest'])
  .default('worker')
  .describe(
    'Where the request is made: on the machine of the worker, on the member, or inside the guest. ' +
      'A member’s probe cannot be made from a guest.',
  );

const http = variant('http', 'A web address that has to answer with the given status.', {
  url: httpUrl.describe('What is asked for, with GET. Redirects are not followed.').meta({
    examples: ['https://edge.lan/health'],
  }),
  status: wholeNumber(100, 599).default(200).describe('The status code that means healthy.'),
  contains: oneLine.optional().describe('Text that the answer has to contain.'),
  from,
  ...retry,
});

const tcp = variant('tcp', 'A port that has to accept a connection.', {
  host: address.describe('Address to connect to, as seen from where the probe is made.'),
  port: port.describe('Port to connect to.'),
  from,
  ...retry,
});

const systemd = variant('systemd', 'Units of the node that have to be active.', {
  units: z.array(unit).min(1, 'at least one unit').describe('Units that have to be active, each with its suffix.'),
  ...retry,
});

const command = variant('command', 'A command that has to succeed inside the guest, or on the member.', {
  argv: z
    .array(argument)
    .min(1, 'a program and its arguments')
    .describe('Program and arguments, one item each. No shell reads them. Exit code 0 is healthy.')
    .meta({ examples: [['pg_isready', '-q']] }),
  ...retry,
});

const incus = variant('incus', 'The state of a guest’s instance in Incus. It makes no sense on a member.', {
  status: z
    .enum(['Running', 'Stopped', 'Frozen'])
    .default('Running')
    .describe('The state that Incus has to report for the instance.'),
  ...retry,
});

export const probe = z.discriminatedUnion('type', [http, tcp, systemd, command, incus]);
