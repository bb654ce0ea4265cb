import * as z from 'zod';

import * as field from './fields.ts';

/** Where the files that SOPS has encrypted are, and who re-encrypts them. */
export const secrets = z.strictObject({
  config: field.repoPath
    .default('secrets/sops.yaml')
    .describe(
      'The file with the creation rules of SOPS. Files are looked for in its folder, and a `path_regex` is held against paths from there.',
    ),
  identityFile: field.keyPath
    .optional()
    .describe(
      'Where on the worker the private key of age is that can decrypt every file, the operator’s: `rotate-keys` and `vm-recreate` re-encrypt with it. `~` is the home of the worker’s user.',
    )
    .meta({ examples: ['~/.config/sops/age/keys.txt'] }),
  guestKeyFile: field.absolutePath
    .default('/var/lib/sops-nix/key.txt')
    .describe('Where each guest has its private key: `sops.age.keyFile` of sops-nix. It never leaves the guest.'),
  push: z
    .strictObject({
      remote: field.resourceName.default('origin').describe('The remote of the worker’s clone, as git names it.'),
      branch: field.branch.default('main').describe('The branch on it that commits are put on top of.'),
    })
    .optional()
    .describe(
      'Where the commits of `rotate-keys` and `vm-recreate` are pushed to. Without it they stay on a branch of the worker’s clone, for you to merge.',
    ),
});
