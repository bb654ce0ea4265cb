import { count } from './count.ts';
import { caseOf, wayOf, type RejoinCase, type RejoinWay } from './rejoin-case.ts';
import { inProject, instanceOnDisk } from './projects.ts';
import { rejoinGates, type RejoinGate } from './rejoin-gates.ts';
import { zpoolOf, type FoundPool, type IdentityCopy, type RejoinObservation, type RejoinScope } from './rejoin.ts';
import type { StepView } from './run.ts';

/** What is done, in this order; each looks before it acts. */
export type RejoinStep =
  /** `force`: of a pool that another system had, after a person has said yes. */
  | { type: 'import'; zpool: string; force: boolean }
  /** What the cluster knows of the member, for later: a forced removal forgets it. */
  | { type: 'remember'; via: string }
  | { type: 'identity'; copy: IdentityCopy; via: string }
  | { type: 'set aside'; pool: string; dataset: string }
  | { type: 'forget'; via: string }
  | { type: 'join'; via: string }
  | { type: 'move back'; pool: string; dataset: string }
  | { type: 'recover'; pools: string[] }
  | { type: 'remind'; via: string }
  | { type: 'online'; via: string }
  /** Incus is restarted on the leader of the database where the member does not follow it. */
  | { type: 'follow'; via: string }
  | { type: 'instances' }
  | { type: 'health' }
  | { type: 'forget notes' };

export interface RejoinPlan {
  gates: RejoinGate[];
  refusals: RejoinGate[];
  case: RejoinCase;
  way: RejoinWay;
  steps: RejoinStep[];
  /** Records that a forced removal drops: of instances and of custom volumes. */
  forgets: { instances: string[]; volumes: string[] };
  /** Of those, what no disk here has: it does not come back by this run. */
  lost: { instances: string[]; volumes: string[] };
}

/** From how it is to how it was. Pure. Pools that are not imported yet hide the rest: import, look and plan again. */
export function planRejoin(scope: RejoinScope, observation: RejoinObservation): RejoinPlan {
  const gates = rejoinGates(scope, observation);
  const kind = caseOf(observation);
  const way = wayOf(observation);
  const { cluster } = observation;
  const isListed = cluster?.members.some(({ name }) => name === scope.member) === true;
  const forgets =
    kind === 'nothing lost' || way === 'identity' || !isListed
      ? { instances: [], volumes: [] }
      : {
          instances: cluster.instances.map(inProject),
          volumes: cluster.volumes.map((volume) => `${volume.pool}/${inProject(volume)}`),
        };
  return {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    case: kind,
    way,
    steps: stepsOf(observation, { kind, way, isListed }),
    forgets,
    lost: kind === 'unknown' || kind === 'nothing lost' ? { instances: [], volumes: [] } : lostOf(observation),
  };
}

interface Situation {
  kind: RejoinCase;
  way: RejoinWay;
  isListed: boolean;
}

function stepsOf({ cluster, host, copies }: RejoinObservation, { kind, way, isListed }: Situation): RejoinStep[] {
  if (cluster === undefined || host === undefined) return [];
  const { via } = cluster;
  const imports = importsOf(host.pools);
  if (kind === 'unknown') return imports;
  const open = host.pools.filter(({ aside }) => aside.length > 0);
  const back = (pools: readonly FoundPool[]): RejoinStep[] => [
    ...pools.map(({ pool, dataset }): RejoinStep => ({ type: 'move back', pool, dataset })),
    { type: 'recover', pools: pools.map(({ pool }) => pool) },
    { type: 'remind', via },
  ];
  const end: RejoinStep[] = [
    { type: 'online', via },
    { type: 'follow', via },
    { type: 'instances' },
    { type: 'health' },
    { type: 'forget notes' },
  ];
  if (kind === 'nothing lost') return [...imports, ...(open.length === 0 ? [] : back(open)), ...end];
  const [copy] = copies;
  if (way === 'identity' && copy !== undefined)
    return [{ type: 'remember', via }, { type: 'identity', copy, via }, ...end];
  const full = host.pools.filter(({ place }) => place === 'holds');
  const moved = host.pools.filter(({ place, aside }) => place === 'holds' || aside.length > 0);
  return [
    ...(isListed ? [{ type: 'remember', via } as const] : []),
    ...full.map(({ pool, dataset }): RejoinStep => ({ type: 'set aside', pool, dataset })),
    ...(isListed ? [{ type: 'forget', via } as const] : []),
    { type: 'join', via },
    ...(moved.length === 0 ? [] : back(moved)),
    ...end,
  ];
}

function importsOf(pools: readonly FoundPool[]): RejoinStep[] {
  const wanted = pools.filter(({ zpool }) => zpool === 'importable' || zpool === 'foreign');
  const names = [...new Set(wanted.map(({ dataset }) => zpoolOf(dataset)))];
  return names.map((zpool) => ({
    type: 'import',
    zpool,
    force: wanted.some((pool) => zpoolOf(pool.dataset) === zpool && pool.zpool === 'foreign'),
  }));
}

/** What the records name and no dataset holds. */
function lostOf({ cluster, host }: RejoinObservation): RejoinPlan['lost'] {
  const there = new Set(
    host?.pools.flatMap(({ pool, contents, aside }) =>
      [...contents, ...aside.flatMap((each) => each.contents)].map((name) => `${pool}/${name}`),
    ),
  );
  const hasInstance = (project: string, name: string): boolean =>
    host?.pools.some(({ pool }) =>
      ['containers', 'virtual-machines'].some((kind) =>
        there.has(`${pool}/${kind}/${instanceOnDisk({ project, name })}`),
      ),
    ) === true;
  return {
    instances: (cluster?.instances ?? []).filter(({ project, name }) => !hasInstance(project, name)).map(inProject),
    volumes: (cluster?.volumes ?? [])
      .filter(({ pool, project, name }) => !there.has(`${pool}/custom/${project}_${name}`))
      .map((volume) => `${volume.pool}/${inProject(volume)}`),
  };
}

/** As they are shown before and while they run. */
export const rejoinViews = (steps: readonly RejoinStep[], member: string): StepView[] =>
  steps.map((step) => ({ ...describeRejoinStep(step, member), state: 'pending' }));

export function describeRejoinStep(step: RejoinStep, member: string): Pick<StepView, 'id' | 'phase' | 'title'> {
  switch (step.type) {
    case 'import':
      return {
        id: `import-${step.zpool}`,
        phase: 'restore',
        title: `zpool ${step.zpool}${step.force ? ' (another system had it)' : ''}`,
      };
    case 'remember':
      return { id: 'remember', phase: 'restore', title: `what the cluster knows of ${member}` };
    case 'identity':
      return {
        id: 'identity',
        phase: 'restore',
        title: `identity of ${step.copy.takenAt.slice(0, 16)}Z from ${step.copy.place}`,
      };
    case 'set aside':
      return { id: `aside-${step.pool}`, phase: 'restore', title: `${step.dataset} is set aside` };
    case 'forget':
      return { id: 'forget', phase: 'join', title: `the cluster forgets ${member}` };
    case 'join':
      return { id: 'join', phase: 'join', title: `${member} joins anew` };
    case 'move back':
      return { id: `back-${step.pool}`, phase: 'recover', title: `instances and volumes back to ${step.dataset}` };
    case 'recover':
      return {
        id: 'recover',
        phase: 'recover',
        title: `records of ${count(step.pools.length, 'pool')}, from the disks`,
      };
    case 'remind':
      return { id: 'remind', phase: 'recover', title: 'what the disks do not know of themselves' };
    case 'online':
      return { id: 'online', phase: 'verify', title: `${member} is Online` };
    case 'follow':
      return {
        id: 'follow',
        phase: 'verify',
        title: `the database of ${member} follows (or Incus restarts on its leader)`,
      };
    case 'instances':
      return { id: 'instances', phase: 'verify', title: 'what ran before runs again' };
    case 'health':
      return { id: 'health', phase: 'verify', title: `${member} and its guests` };
    case 'forget notes':
      return { id: 'notes', phase: 'clean up', title: 'notes of this run' };
  }
}
