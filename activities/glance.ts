import type { Fleet } from '../fleet/schema.ts';
import { HostError } from '../hosts/host.ts';
import type { FleetGlance } from '../plan/glance.ts';
import { atOnce } from '../tools/at-once.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { GlanceActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import { guarded } from './guard.ts';

/** A person waits: what takes longer is said not to answer. A new connection to a slow host takes seconds. */
const PATIENCE_MS = 8_000;

export function createGlanceActivities(deps: Deps): GlanceActivities {
  return {
    glanceAtFleet: guarded(async ({ fleet }, { signal }) => glance(deps, await deps.fleetAt(fleet), signal)),
  };
}

/** Each member tells its version, and the first that does tells what the cluster says of all. */
async function glance({ machines }: Deps, fleet: Fleet, signal: AbortSignal): Promise<FleetGlance> {
  const ask = <T>(member: string, what: (incus: Incus) => Promise<T>): Promise<T | { problem: string }> => {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    return unlessSilent(what(createIncus(machines.member(fleet, member), { signal: soon })), signal);
  };
  const members = await Promise.all(
    Object.keys(fleet.members).map(async (name) => ({ name, ...(await ask(name, versionOf)) })),
  );
  const guests = Object.entries(fleet.guests).map(([name, { project }]) => ({ name, project }));
  const first = members.find((member) => 'incusVersion' in member);
  const states = first === undefined ? { problem: 'no member answers' } : await ask(first.name, statesOf);
  if ('problem' in states) return { members, guests: guests.map(({ name }) => ({ name })), ...states };
  return {
    members: members.map((member) => ({
      ...member,
      ...statusOf(states.members.find(({ name }) => name === member.name)),
    })),
    guests: guests.map(({ name, project }) => ({
      name,
      ...statusOf(states.instances.find((each) => each.name === name && each.project === project)),
    })),
  };
}

async function versionOf(incus: Incus): Promise<{ incusVersion: string }> {
  const server = await incus.server();
  if (server.type !== 'server') throw toolFailure('incus query /1.0', server);
  return { incusVersion: server.version };
}

type Named = { name: string; status: string };

async function statesOf(incus: Incus): Promise<{ members: Named[]; instances: (Named & { project: string })[] }> {
  const [listed, found] = await atOnce(incus.members(), incus.instances());
  if (listed.type !== 'members') throw toolFailure('incus cluster list', listed);
  if (found.type !== 'instances') throw toolFailure('incus list', found);
  return { members: listed.members, instances: found.instances };
}

const statusOf = (found: Named | undefined): { status?: string } =>
  found === undefined ? {} : { status: found.status };

/** The answer, or why there is none. Throws where nobody wants it any more. */
async function unlessSilent<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | { problem: string }> {
  try {
    return await answer;
  } catch (error) {
    if (signal.aborted) throw error;
    const silent = error instanceof HostError && error.type === 'Cancelled';
    if (silent) return { problem: `no answer within ${PATIENCE_MS / 1000} s` };
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
