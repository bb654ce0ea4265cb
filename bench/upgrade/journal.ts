import { Context } from '@temporalio/activity';
import { findNode } from '../../fleet/names.ts';
import type { Host } from '../../hosts/host.ts';
import type { Deps } from '../../activities/deps.ts';
import type { Machines } from '../../activities/machines.ts';
import { createGuestHost } from '../../tools/incus-exec.ts';

/** A command that an activity ran. */
export interface Command {
  /** The step: `verify`, `deploy-n1`. */
  step: string;
  activity: string;
  /** `worker`, or the member that it ran on. */
  where: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** The same machines, writing down each command that is run on them. A job counts as the command that it runs. */
export function writeDown(deps: Deps, commands: Command[]): Deps {
  const listening = (host: Host, where: string): Host => ({
    ...host,
    run: (argv, options) => {
      note(where, argv, options.env);
      // What it reads would have to be in the script as well. No step of the measured upgrade gives a command any.
      if (options.input !== undefined) throw new Error(`Expected a command without input, got ${argv.join(' ')}`);
      return host.run(argv, options);
    },
    jobs: {
      ...host.jobs,
      start: async (spec, options) => {
        note(where, spec.argv, spec.env);
        return host.jobs.start(spec, options);
      },
    },
  });
  const note = (where: string, argv: readonly string[], env: Command['env'] = {}): void => {
    const { activityId, activityType } = Context.current().info;
    commands.push({ step: activityId, activity: activityType, where, argv, env });
  };
  const member: Machines['member'] = (fleet, name) => listening(deps.machines.member(fleet, name), name);
  const node: Machines['node'] = (fleet, name) => {
    const found = findNode(fleet, name);
    if (found.type !== 'guest') return member(fleet, name);
    const { guest } = found;
    return createGuestHost({ member: member(fleet, guest.member), project: guest.project, instance: name });
  };
  return { ...deps, local: listening(deps.local, 'worker'), machines: { ...deps.machines, member, node } };
}
