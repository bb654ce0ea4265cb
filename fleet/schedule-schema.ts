import * as z from 'zod';

import { DAYS } from './calendar.ts';
import * as field from './fields.ts';

/** Runbooks that may run by themselves: those that ask nobody and destroy nothing. */
export const SCHEDULED_RUNBOOKS = ['identity-backup', 'nightly-backup', 'restore-drill', 'drift'] as const;

export const schedule = z.strictObject({
  runbook: z.enum(SCHEDULED_RUNBOOKS).describe('What is started.'),
  node: field.nodeName
    .optional()
    .describe(
      'Of `identity-backup` and `drift`: only this member. Without it, every member, and of `drift` all that is declared.',
    ),
  at: field.timeOfDay
    .describe(
      'When, by a clock in `timeZone`. Many clocks change between 01:00 and 03:00: then a time does not exist, or comes twice.',
    )
    .meta({ examples: ['04:15'] }),
  days: z
    .array(z.enum(DAYS))
    .min(1, 'at least one day')
    .default([...DAYS])
    .transform((days) => DAYS.filter((day) => days.includes(day)))
    .describe('On these days of the week.'),
  timeZone: field.timeZone
    .describe('Whose clock it is, as the time zone database calls it.')
    .meta({ examples: ['Europe/Berlin'] }),
  jitter: field.durationOrNone
    .default('0s')
    .describe('Up to so much later, by chance, so that not everything begins at once.'),
  catchUp: field.duration
    .default('12h')
    .describe(
      'Where Temporal or every worker was down, a run is made up for if it is at most so late. Later it is left out and reported as missed.',
    ),
  overlap: z
    .enum(['skip'])
    .default('skip')
    .describe('When such a run is still open, also one that was started by hand: `skip` leaves this one out.'),
  paused: z.boolean().default(false).describe('It is there and starts nothing.'),
});
