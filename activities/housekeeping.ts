import { HostError, type Host } from '../hosts/host.ts';
import { atOnce } from '../tools/at-once.ts';
import type { HousekeepingActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';

/** What runs leave behind when they are over. */
export function createHousekeepingActivities({ fleetAt, machines, local }: Deps): HousekeepingActivities {
  return {
    forgetJobs: guarded(async ({ fleet: ref, name, nodes }, { signal }) => {
      const fleet = await fleetAt(ref);
      const hostOf = (node: string): Host =>
        Object.hasOwn(fleet.backupHosts, node) ? machines.receiver(fleet, node) : machines.node(fleet, node);
      const hosts = [local, ...nodes.map(hostOf)];
      const kept = await atOnce(...hosts.map((host) => forget(host, name, signal)));
      return kept.flat();
    }),
  };
}

async function forget(host: Host, run: string, signal: AbortSignal): Promise<string[]> {
  try {
    for (const job of await host.jobs.list(run, { signal })) await host.jobs.remove(job, { signal });
    return [];
  } catch (error) {
    // A host that is away keeps a few kilobytes until a later run meets them.
    if (error instanceof HostError && error.type !== 'Cancelled') return [`${host.name}: ${error.message}`];
    throw error;
  }
}
