import { HostError, type Host } from '../hosts/host.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { ListedMember } from '../plan/formation.ts';
import type { MemberState } from '../plan/observation.ts';
import { certainSkewMs, clockSkew } from '../tools/clock.ts';
import { createIncus } from '../tools/incus.ts';
import { again } from './again.ts';
import type { Deps } from './deps.ts';
import { toolFailure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { listedMember } from './observe-formation.ts';

/** Every member as the cluster lists it, with what it says of itself. */
export async function observeMembers(
  { machines }: Deps,
  fleet: Fleet,
  via: string,
  { signal }: ActivityContext,
): Promise<{ members: MemberState[]; noQuorum?: string }> {
  const names = Object.keys(fleet.members);
  const said = new Map(
    await Promise.all(names.map(async (name) => [name, await ask(machines.member(fleet, name), signal)] as const)),
  );
  // One that says nothing of itself would be waited for in vain.
  const answers = (name: string): boolean => said.get(name)?.incusVersion !== undefined;
  const order = [via, ...names.filter((name) => name !== via)];
  order.sort((a, b) => Number(answers(b)) - Number(answers(a)));
  const { members: listed, noQuorum } = await listMembers({ machines, fleet, names: order, signal });
  const declared = names.map((name): MemberState => {
    const status = listed.find((member) => member.name === name);
    return {
      name,
      status: status?.status ?? (noQuorum === undefined ? 'Not in the cluster' : 'Unknown'),
      message: status?.message ?? '',
      ...said.get(name),
    };
  });
  const undeclared = listed
    .filter(({ name }) => !names.includes(name))
    .map(({ name, status, message }) => ({ name, status, message, problem: 'runbook.yaml does not declare it' }));
  return { members: [...declared, ...undeclared], ...(noQuorum === undefined ? {} : { noQuorum }) };
}

/**
 * The first member that answers tells for all. Where none does, that the cluster has no quorum says more than
 * that some other member cannot be reached, which is why it has none.
 */
export async function listMembers({
  machines,
  fleet,
  names,
  signal,
}: {
  machines: Deps['machines'];
  fleet: Fleet;
  names: string[];
  signal: AbortSignal;
}): Promise<{ members: ListedMember[]; via?: string; noQuorum?: string }> {
  let problem: unknown;
  let noQuorum: string | undefined;
  for (const name of names) {
    try {
      const answer = await createIncus(machines.member(fleet, name), { signal }).members();
      if (answer.type === 'members') return { members: answer.members.map(listedMember), via: name };
      if (answer.type === 'no quorum') noQuorum ??= answer.message;
      problem = toolFailure(`Listing the members of the cluster on ${name}`, answer);
    } catch (error) {
      if (!(error instanceof HostError) || error.type === 'Cancelled') throw error;
      problem = error;
    }
  }
  if (noQuorum !== undefined) return { members: [], noQuorum };
  throw problem;
}

async function ask(
  host: Host,
  signal: AbortSignal,
): Promise<Pick<MemberState, 'incusVersion' | 'problem' | 'clockSkewMs'>> {
  try {
    const skew = await again(() => clockSkew(host, { signal }), signal);
    const clock = skew.type === 'skew' ? { clockSkewMs: certainSkewMs(skew) } : {};
    const server = await createIncus(host, { signal }).server();
    if (server.type !== 'server') return { ...clock, problem: toolFailure('incus', server).message };
    return { ...clock, incusVersion: server.version };
  } catch (error) {
    if (!(error instanceof HostError) || error.type === 'Cancelled') throw error;
    return { problem: error.message };
  }
}
