import * as z from 'zod';

import { wholeNumber } from './fields.ts';

const destructive = z.strictObject({
  people: wholeNumber(1, 9)
    .default(1)
    .describe(
      'So many different people have to say yes. One no is enough for a no. People are told apart by their user name, on whatever machine.',
    ),
  otherThanStarter: z
    .boolean()
    .default(false)
    .describe('Whether the yes of the person who started the run does not count.'),
});

export const approvalPolicy = z.strictObject({
  destructive: destructive
    .prefault({})
    .describe(
      'Of questions whose yes loses something for good, or cannot be taken back. docs/security.md lists them. A run asks by what its own commit says, and by what the worker’s clone has checked out, whichever is stricter.',
    ),
});
