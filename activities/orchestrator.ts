import { HostError, type Host } from '../hosts/host.ts';
import type { Fleet } from '../fleet/schema.ts';
import type { UpgradeScope } from '../plan/safe-upgrade.ts';
import { atOnce } from '../tools/at-once.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { Deps } from './deps.ts';
import type { ActivityContext } from './guard.ts';

/**
 * Why it is believed that the orchestrator (Temporal, or this worker) is on a node of the scope: declared in the
 * fleet file, or seen, because this machine and that node have one machine id.
 */
export async function orchestratorHere(
  { machines, local }: Deps,
  fleet: Fleet,
  { targets }: UpgradeScope,
  { signal }: ActivityContext,
): Promise<string | undefined> {
  const nodes = targets.map(({ node }) => node);
  const { guest, member } = fleet.orchestrator;
  const declared = guest ?? member;
  if (declared !== undefined && nodes.includes(declared))
    return `The orchestrator runs on ${declared} (orchestrator in runbook.yaml).`;
  const [here, ...there] = await atOnce(
    machineId(local, signal),
    ...nodes.map((node) => machineId(machines.node(fleet, node), signal)),
  );
  const node = here === undefined ? undefined : nodes[there.indexOf(here)];
  return node === undefined ? undefined : `This worker runs on ${node} itself.`;
}

/** Undefined where it cannot be read: a machine that is away is not this one. */
async function machineId(host: Host, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await createSystemd(host, { signal }).machineId();
    return answer.type === 'machine' ? answer.id : undefined;
  } catch (error) {
    if (error instanceof HostError && error.type !== 'Cancelled') return undefined;
    throw error;
  }
}
