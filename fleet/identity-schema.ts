import * as z from 'zod';

import * as field from './fields.ts';

/** Where copies of each member's identity go, and who can read them. */
export const identity = z.strictObject({
  recipients: z
    .array(field.recipient)
    .min(1, 'at least one recipient')
    .describe(
      'Public keys of the people who can decrypt the copies: of age, or of ssh. Lost private keys make every copy worthless, so name more than one.',
    )
    .meta({ examples: [['age1p56h9mm2nf4cvxpncjlwpmzferhhqhwdemy0ak4jfp8735va0anqfe735f']] }),
  keep: field.wholeNumber(1, 1000).default(14).describe('So many copies of each member are kept on each other member.'),
  restic: z
    .strictObject({
      repository: field.resticRepository
        .describe('As restic takes it, without a password in it.')
        .meta({ examples: ['rest:https://backup.lan/identities'] }),
      passwordFile: field.absolutePath
        .describe('Where the password is, on each member. Never the password itself.')
        .meta({ examples: ['/run/secrets/restic'] }),
    })
    .optional()
    .describe('A restic repository that takes each copy as well. Restic runs on the member whose identity it is.'),
  identityFile: field.keyPath
    .optional()
    .describe(
      'Where on the worker the private key of one of the recipients is, for `node-rejoin` to decrypt a copy with. Without it only you can. `~` is the home of the worker’s user.',
    )
    .meta({ examples: ['~/.config/runbook/identity.txt'] }),
});
