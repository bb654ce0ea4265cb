import { count } from './count.ts';
import { caseOf, wayOf, type RejoinCase, type RejoinWay } from './rejoin-case.ts';
import { inProject, instanceOnDisk } from './projects.ts';
import { rejoinGates, type RejoinGate } from './rejoin-gates.ts';
import { leftAside, planMissing, type MissingPlan, type Remade } from './rejoin-missing.ts';
import { zpoolOf, type FoundPool, type IdentityCopy, type RejoinObservation, type RejoinScope } from './rejoin.ts';
import { dated, type Restoration } from './restore.ts';
import type { StepView } from './run.ts';

/** What is done, in this order; each looks before it acts. */
export type RejoinStep =
  /** `force`: of a pool that another system had, after a person has said yes. */
  | { type: 'import'; zpool: string; force: boolean }
  /** What the cluster knows of the member, for later: a forced removal forgets it. */
  | { type: 'remember'; via: string }
  /** The cluster has forgotten it already: what is declared is all that is known. */
  | { type: 'note declared'; via: string }
  | { type: 'identity'; copy: IdentityCopy; via: string }
  | { type: 'set aside'; pool: string; dataset: string }
  | { type: 'forget'; via: string }
  | { type: 'join'; via: string }
  /** `leave`: what stays set aside, since it needs a volume of which no copy is there. By names below the dataset. */
  | { type: 'move back'; pool: string; dataset: string; leave?: string[] }
  | { type: 'recover'; pools: string[] }
  | { type: 'remind'; via: string }
  | { type: 'online'; via: string }
  /** Incus is restarted on the leader of the database where the member does not follow it. */
  | { type: 'follow'; via: string }
  /** A volume that is on no disk any more, from its newest replica; it is half-way until it is taken in. */
  | { type: 'receive'; restoration: Restoration }
  | { type: 'take in'; restoration: Restoration }
  /** An instance that is on no disk any more, of its image. */
  | { type: 'remake'; instance: Remade }
  /** All data is back. `missing`: what notes are kept of; `unseen`: volumes of it that may come back by another run. */
  | { type: 'forget notes'; missing?: RejoinPlan['lost']; unseen?: string[]; leave?: string[] }
  | { type: 'instances' }
  | { type: 'health' };

export interface RejoinPlan {
  gates: RejoinGate[];
  refusals: RejoinGate[];
  case: RejoinCase;
  way: RejoinWay;
  steps: RejoinStep[];
  /** Records that a forced removal drops: of instances and of custom volumes. */
  forgets: { instances: string[]; volumes: string[] };
  /** Of those, what no disk here has and nothing else brings back: it does not come back by this run. */
  lost: { instances: string[]; volumes: string[] };
  /** What becomes of that which is on no disk of the member; absent where an identity is restored, or nobody could tell. */
  missing?: MissingPlan;
  /** Other members that are away: of them nothing is asked. */
  away: string[];
  /** Nothing else is in the way than others that are away now, and may be back soon: who. */
  waitsFor?: string;
}

/** What comes before it is known what the pools have. */
export const importsIn = ({ steps }: RejoinPlan): RejoinStep[] => steps.filter(({ type }) => type === 'import');

/** From how it is to how it was. Pure. Pools that are not imported yet hide the rest: import, look and plan again. */
export function planRejoin(scope: RejoinScope, observation: RejoinObservation): RejoinPlan {
  const kind = caseOf(observation);
  const way = wayOf(observation);
  const takesBack = kind !== 'unknown' && (kind === 'nothing lost' || way === 'fresh join');
  const missing = takesBack && observation.missing ? planMissing(scope, observation.missing) : undefined;
  const gates: RejoinGate[] = [...rejoinGates(scope, observation), ...(missing?.gates ?? [])];
  const { cluster } = observation;
  const isListed = cluster?.members.some(({ name }) => name === scope.member) === true;
  const forgets =
    kind === 'nothing lost' || way === 'identity' || !isListed
      ? { instances: [], volumes: [] }
      : {
          instances: cluster.instances.map(inProject),
          volumes: cluster.volumes.map((volume) => `${volume.pool}/${inProject(volume)}`),
        };
  const refusals = gates.filter(({ verdict }) => verdict === 'refused');
  return {
    gates,
    refusals,
    ...(refusals.length > 0 && refusals.every(({ mayPass }) => mayPass === true)
      ? { waitsFor: refusals.map(({ message }) => message).join(' ') }
      : {}),
    case: kind,
    way,
    away: (cluster?.members ?? [])
      .filter(({ name, status }) => name !== scope.member && status !== 'Online')
      .map(({ name }) => name),
    steps: stepsOf(observation, { kind, way, isListed, missing }),
    forgets,
    lost:
      missing !== undefined
        ? lostOf(missing)
        : kind === 'unknown' || kind === 'nothing lost'
          ? { instances: [], volumes: [] }
          : notOnDisks(observation),
    ...(missing === undefined ? {} : { missing }),
  };
}

interface Situation {
  kind: RejoinCase;
  way: RejoinWay;
  isListed: boolean;
  missing: MissingPlan | undefined;
}

function stepsOf(
  { cluster, host, copies }: RejoinObservation,
  { kind, way, isListed, missing }: Situation,
): RejoinStep[] {
  if (cluster === undefined || host === undefined) return [];
  const { via } = cluster;
  const imports = importsOf(host.pools);
  if (kind === 'unknown') return imports;
  const open = host.pools.filter(({ aside }) => aside.length > 0);
  const full = host.pools.filter(({ place }) => place === 'holds');
  const moved =
    kind === 'nothing lost' ? open : host.pools.filter((pool) => full.includes(pool) || open.includes(pool));
  const waits: RejoinStep[] = [
    { type: 'online', via },
    { type: 'follow', via },
  ];
  const end: RejoinStep[] = [notesStep(missing), { type: 'instances' }, { type: 'health' }];
  const data = dataSteps(moved, missing, { waits, via });
  if (kind === 'nothing lost') return [...imports, ...data, ...end];
  const [copy] = copies;
  if (way === 'identity' && copy !== undefined)
    return [{ type: 'remember', via }, { type: 'identity', copy, via }, ...waits, ...end];
  return [
    isListed ? { type: 'remember', via } : { type: 'note declared', via },
    ...full.map(({ pool, dataset }): RejoinStep => ({ type: 'set aside', pool, dataset })),
    ...(isListed ? [{ type: 'forget', via } as const] : []),
    { type: 'join', via },
    ...data,
    ...end,
  ];
}

/**
 * Volumes that are on no disk come first, one after the other: Incus takes in all that it does not know, and no instance before
 * the volumes that it has. What was written down of the member is given back once, when all of it is there, and also where
 * nothing was moved: of one that has joined, an earlier run may not have come that far.
 */
function dataSteps(
  moved: readonly FoundPool[],
  missing: MissingPlan | undefined,
  { waits, via }: { waits: readonly RejoinStep[]; via: string },
): RejoinStep[] {
  const leave = missing === undefined ? [] : leftAside(missing);
  const received = (missing?.receive ?? []).flatMap((restoration): RejoinStep[] => [
    { type: 'receive', restoration },
    { type: 'take in', restoration },
  ]);
  const back: RejoinStep[] =
    moved.length === 0
      ? []
      : [
          ...moved.map(({ pool, dataset }): RejoinStep => ({
            ...({ type: 'move back', pool, dataset } as const),
            ...(leave.length === 0 ? {} : { leave }),
          })),
          { type: 'recover', pools: moved.map(({ pool }) => pool) },
        ];
  const remind: RejoinStep[] = moved.length === 0 && missing === undefined ? [] : [{ type: 'remind', via }];
  const remake = (missing?.remake ?? []).map((instance): RejoinStep => ({ type: 'remake', instance }));
  return received.length === 0 && moved.length > 0
    ? [...back, ...remind, ...waits, ...remake]
    : [...waits, ...received, ...back, ...remind, ...remake];
}

function notesStep(missing: MissingPlan | undefined): RejoinStep {
  if (missing === undefined) return { type: 'forget notes' };
  const leave = leftAside(missing);
  return {
    ...({ type: 'forget notes', missing: lostOf(missing), unseen: unseenIn(missing) } as const),
    ...(leave.length === 0 ? {} : { leave }),
  };
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

/** What neither the disks nor anything else brings back. */
const lostOf = ({ notRemade, inRestic, unseen, lost }: MissingPlan): RejoinPlan['lost'] => ({
  instances: notRemade.map(({ instance }) => inProject(instance)),
  volumes: [...inRestic, ...unseen].map(({ volume }) => volume).concat(lost),
});

const unseenIn = ({ unseen }: MissingPlan): string[] => unseen.map(({ volume }) => volume);

/** What the records name and no dataset holds. */
function notOnDisks({ cluster, host }: RejoinObservation): RejoinPlan['lost'] {
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
    case 'note declared':
      return { id: 'remember', phase: 'restore', title: `what the fleet file says of ${member}` };
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
    case 'receive': {
      const { pool, snapshot, from, ...volume } = step.restoration;
      return {
        id: `receive-${pool}-${inProject(volume)}`,
        phase: 'copy',
        title: `volume ${inProject(volume)} of ${dated(snapshot.createdAt)} from ${from.host}`,
      };
    }
    case 'take in': {
      const { pool, ...volume } = step.restoration;
      return {
        id: `take-in-${pool}-${inProject(volume)}`,
        phase: 'recover',
        title: `volume ${inProject(volume)} in pool ${pool}`,
      };
    }
    case 'remake':
      return {
        id: `remake-${inProject(step.instance)}`,
        phase: 'recover',
        title: `${inProject(step.instance)} of its image`,
      };
    case 'instances':
      return { id: 'instances', phase: 'verify', title: 'what ran before runs again' };
    case 'health':
      return { id: 'health', phase: 'verify', title: `${member} and its guests` };
    case 'forget notes':
      return { id: 'notes', phase: 'clean up', title: 'notes of this run' };
  }
}
