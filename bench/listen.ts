import type { Deps } from '../activities/deps.ts';
import type { Machines } from '../activities/machines.ts';
import { findNode } from '../fleet/names.ts';
import type { Host } from '../hosts/host.ts';
import { createGuestHost } from '../tools/incus-exec.ts';

/** A command that is about to be run; a job counts as the command that it runs. */
export interface Heard {
  /** `worker`, or the host that it runs on. */
  where: string;
  argv: readonly string[];
  env?: Readonly<Record<string, string>> | undefined;
  /** It is given something to read. */
  reads: boolean;
}

/** The same machines, telling of each command that is run on them. */
export function listenTo(deps: Deps, hear: (command: Heard) => void): Deps {
  const listening = (host: Host, where: string): Host => ({
    ...host,
    run: (argv, options) => {
      hear({ where, argv, env: options.env, reads: options.input !== undefined });
      return host.run(argv, options);
    },
    jobs: {
      ...host.jobs,
      start: (spec, options) => {
        hear({ where, argv: spec.argv, env: spec.env, reads: false });
        return host.jobs.start(spec, options);
      },
    },
  });
  const member: Machines['member'] = (fleet, name) => listening(deps.machines.member(fleet, name), name);
  const receiver: Machines['receiver'] = (fleet, name) => listening(deps.machines.receiver(fleet, name), name);
  const node: Machines['node'] = (fleet, name) => {
    const found = findNode(fleet, name);
    if (found.type !== 'guest') return member(fleet, name);
    const { guest } = found;
    return createGuestHost({ member: member(fleet, guest.member), project: guest.project, instance: name });
  };
  return { ...deps, local: listening(deps.local, 'worker'), machines: { ...deps.machines, member, receiver, node } };
}
