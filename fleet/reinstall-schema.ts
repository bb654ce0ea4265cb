import * as z from 'zod';

import * as field from './fields.ts';

/** How a member is installed anew, by the runbooks `node-reinstall` and `node-rejoin`. */
export const reinstall = z.strictObject({
  command: z
    .array(field.installArgument)
    .min(1, 'at least the program')
    .describe(
      'What installs it: program and arguments, without a shell. Runs on the worker. In each argument `{flake}` is the monorepo at the run’s commit, as nix takes it, `{node}` the deploy-rs node, `{address}`, `{user}` and `{port}` how the installer is reached. It has to end when the host restarts, with 0 only if all went well.',
    )
    .meta({ examples: [['nixos-anywhere', '--flake', '{flake}#{node}', '--target-host', '{user}@{address}']] }),
  layout: field.flakeAttribute
    .optional()
    .describe(
      'The attribute of the flake with the disks that the command erases: a set whose values each have a `device`, as of disko. Without it: `nixosConfigurations.<node>.config.disko.devices.disk`.',
    )
    .meta({ examples: ['nixosConfigurations.nuc-1.config.disko.devices.disk'] }),
  hostKey: field.hostKey
    .optional()
    .describe(
      'The public host key of the installer, which you put into its image. Without it the installer has to have the key of `ssh.hostKey`. No other is accepted.',
    ),
});
