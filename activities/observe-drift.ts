import type { Fleet } from '../fleet/schema.ts';
import {
  isProblem,
  type ClusterSeen,
  type DriftScope,
  type SeenInstance,
  type SeenVolume,
} from '../plan/drift-seen.ts';
import { problemOf, type Problem } from '../plan/problem.ts';
import { createIncus, type Incus } from '../tools/incus.ts';
import type { DriftInputOf } from './contract.ts';
import type { Deps } from './deps.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { observeFormation } from './observe-formation.ts';
import { observeMembers } from './observe-members.ts';
import { onItsWay } from './on-its-way.ts';
import { orTypedProblem } from './or-problem.ts';

/** Members, instances and volumes of the whole cluster, as the first member tells that answers. Changes nothing. */
export async function observeCluster(
  deps: Deps,
  { scope, ...ref }: DriftInputOf,
  context: ActivityContext,
): Promise<ClusterSeen> {
  const { signal } = context;
  const fleet = await deps.fleetAt(ref.fleet);
  const part = async <T>(work: () => Promise<T>): Promise<T | Problem> => {
    const answer = await orTypedProblem(work, signal);
    return answer.type === 'value' ? answer.value : answer.problem;
  };
  const members = await part(() => membersOf(deps, fleet, context));
  const via = isProblem(members) ? undefined : members.find(({ incusVersion }) => incusVersion !== undefined)?.name;
  if (via === undefined) {
    const problem = isProblem(members) ? members : problemOf('Unreachable', 'No member answers.');
    return { members, instances: problem, volumes: problem, ...(scope.formation && { formation: problem }) };
  }
  const incus = createIncus(deps.machines.member(fleet, via), { signal });
  const instances = await part(() => instancesOf(incus, via));
  const waiting = isProblem(instances) ? {} : await onTheirWay(deps, fleet, scope, instances, signal);
  return {
    members,
    instances,
    ...(Object.keys(waiting).length > 0 && { onTheirWay: waiting }),
    volumes: await part(() => volumesOf(incus, via)),
    ...(scope.formation && { formation: await part(() => observeFormation(deps, ref, context)) }),
  };
}

/** Of members of which a guest is not there. */
async function onTheirWay(
  deps: Deps,
  fleet: Fleet,
  { guests }: DriftScope,
  instances: readonly SeenInstance[],
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const absent = guests.filter(
    ({ name, project }) => !instances.some((each) => each.name === name && each.project === project),
  );
  const found: Record<string, string> = {};
  for (const member of new Set(absent.map((guest) => guest.member))) {
    const seen = await onItsWay(deps, fleet, member, signal);
    if (seen.type !== 'nothing') found[member] = seen.type === 'waits' ? seen.why : seen.problem.message;
  }
  return found;
}

async function membersOf(
  deps: Deps,
  fleet: Fleet,
  context: ActivityContext,
): Promise<Awaited<ReturnType<typeof observeMembers>>['members']> {
  const [via = ''] = Object.keys(fleet.members);
  const { members, noQuorum } = await observeMembers(deps, fleet, via, context);
  if (noQuorum !== undefined) throw failure('NoQuorum', noQuorum);
  return members;
}

async function instancesOf(incus: Incus, via: string): Promise<SeenInstance[]> {
  const { instances } = expecting(await incus.instances(), 'instances', via);
  return instances.map(({ name, project, type, status, location, volumes, snapshotSchedule, snapshotExpiry }) => ({
    ...{ name, project, type, status, location },
    volumes: volumes.map(({ pool, name: volume }) => ({ pool, name: volume })),
    ...settings(snapshotSchedule, snapshotExpiry),
  }));
}

/** An image of a disc is read only: there is nothing in it that a snapshot could bring back. */
async function volumesOf(incus: Incus, via: string): Promise<SeenVolume[]> {
  const { pools } = expecting(await incus.storagePools(), 'storage pools', via);
  const found: SeenVolume[] = [];
  for (const { name: pool } of pools) {
    const { volumes } = expecting(await incus.volumes(pool), 'volumes', via);
    for (const { name, project, location, contentType, config } of volumes)
      if (contentType !== 'iso')
        found.push({
          ...{ pool, name, project, location },
          ...settings(config['snapshots.schedule'], config['snapshots.expiry']),
        });
  }
  return found;
}

const settings = (
  schedule: string | undefined,
  expiry: string | undefined,
): Pick<SeenVolume, 'schedule' | 'expiry'> => ({
  ...(schedule === undefined ? {} : { schedule }),
  ...(expiry === undefined ? {} : { expiry }),
});
