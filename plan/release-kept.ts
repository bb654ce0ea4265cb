import { formatBytes } from './bytes.ts';
import { count } from './count.ts';
import { gateWords, type GateOf } from './gate-words.ts';
import { kindOfKept } from './kept.ts';

/** What release-kept is asked for, what it finds, and what it makes of it. Plain data. */

/** What the fleet file says at the run's revision. */
export interface ReleaseScope {
  member: string;
  members: string[];
  name: string;
  /** Datasets of that member that the fleet file has a use for. */
  declared: UsedDataset[];
  approvalTimeout: string;
}

interface UsedDataset {
  dataset: string;
  /** `pool local`, `the replicas of backup edge` */
  use: string;
}

export interface ReleaseObservation {
  isThere: boolean;
  /** Set by the run that set it aside; absent where none did. */
  mark?: {
    from?: string;
    at?: string;
    why?: string;
    /** A member that is on its way back needs what is in it. */ open?: true;
  };
  bytes: number;
  /** Datasets and snapshots below it. */
  datasets: number;
  snapshots: string[];
  mounted: string[];
  held: string[];
  /** Of its snapshots, outside of itself: `tank/incus/images/x` of `tank/incus.old/images/x@readonly`. */
  clones: { clone: string; of: string }[];
  /** Of an instance. */
  instance?: { status: string; volumes: string[] };
  /** What the member's own Incus has in use; absent where it could not be asked. */
  used?: UsedDataset[];
}

type Name = 'kept' | 'place' | 'clones' | 'holds' | 'mounts' | 'instance';
export type ReleaseGate = GateOf<Name>;

export interface ReleasePlan {
  gates: ReleaseGate[];
  refusals: ReleaseGate[];
}

const SHOWN = 5;

/** Whether what was set aside may be destroyed. Pure. */
export function planRelease(scope: ReleaseScope, observation: ReleaseObservation): ReleasePlan {
  const gates = gatesFor(scope, observation);
  return { gates, refusals: gates.filter(({ verdict }) => verdict === 'refused') };
}

function gatesFor(scope: ReleaseScope, observation: ReleaseObservation): ReleaseGate[] {
  switch (kindOfKept(scope.name)) {
    case 'folder':
      return [kept(scope, observation)];
    case 'instance':
      return [kept(scope, observation), instance(scope, observation)];
    case 'dataset':
      return datasetGates(scope, observation);
  }
}

const datasetGates = (scope: ReleaseScope, observation: ReleaseObservation): ReleaseGate[] => [
  kept(scope, observation),
  ...place(scope, observation),
  ...clones(observation),
  ...inTheWay('holds', observation.held, 'is held', 'zfs holds says by what; zfs release lets go of it.'),
  ...inTheWay('mounts', observation.mounted, 'is mounted', 'See who uses it, and unmount it: zfs unmount.'),
];

const { passed, refused } = gateWords<Name>();

/** Only what bears the mark of its own, which what is below it does not. */
function kept({ name, member }: ReleaseScope, { mark }: ReleaseObservation): ReleaseGate {
  if (mark?.open === true)
    return refused(
      'kept',
      `${name} has what ${member} needs: its node-rejoin has not come to its end.`,
      `runbook start node-rejoin --node ${member} goes on with it.`,
    );
  if (mark !== undefined) return passed('kept', `${name} was set aside by a run`);
  return refused(
    'kept',
    `${name} on ${member} was not set aside by runbook, so it is not destroyed by it.`,
    'runbook list-kept shows what was, by the name that it is released by.',
  );
}

/** Somebody may have taken it into use again. */
function instance({ name }: ReleaseScope, { instance: found }: ReleaseObservation): ReleaseGate {
  if (found?.status === 'Stopped' && found.volumes.length === 0)
    return passed('instance', 'It is stopped, and has no volumes attached');
  const what =
    found?.status === 'Stopped' ? `has ${found.volumes.join(', ')} attached` : `is ${found?.status ?? 'gone'}`;
  return refused('instance', `${name} ${what}.`, 'Stop it and detach its volumes, if it is what you mean.');
}

const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);

function place({ name, declared }: ReleaseScope, { used }: ReleaseObservation): ReleaseGate[] {
  const all = [...declared, ...(used ?? [])];
  const hit = all.filter(({ dataset }) => isWithin(name, dataset) || isWithin(dataset, name));
  const seen = new Map(hit.map((each) => [`${each.dataset} ${each.use}`, each]));
  const gates = [...seen.values()].map(({ dataset, use }) =>
    refused(
      'place',
      `${name} ${name === dataset ? 'is' : isWithin(dataset, name) ? 'holds' : 'is inside of'} ${dataset}, which is in use: ${use}.`,
      'Move it out of there first (zfs rename), if it is what you mean.',
    ),
  );
  if (gates.length > 0) return gates;
  if (used !== undefined) return [passed('place', 'It is apart from pools and replicas')];
  return [
    {
      name: 'place',
      verdict: 'warning',
      message: 'The Incus of this member could not be asked what it uses; the fleet file has no use for it.',
    },
  ];
}

function clones({ clones: found }: ReleaseObservation): ReleaseGate[] {
  if (found.length === 0) return [passed('clones', 'Nothing was cloned from it')];
  return found.map(({ clone, of }) =>
    refused(
      'clones',
      `${clone} is a clone of ${of}, and would be lost with it.`,
      `Make it independent (zfs promote ${clone}), or destroy it first.`,
    ),
  );
}

function inTheWay(name: Name, found: readonly string[], what: string, whatToDo: string): ReleaseGate[] {
  if (found.length === 0) return [passed(name, `Nothing of it ${what}`)];
  const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : '';
  return [refused(name, `${found.slice(0, SHOWN).join(', ')}${more} ${what}.`, whatToDo)];
}

/** What is lost, for whoever approves it: sizes as a person reads them. */
export function whatIsLost({ name }: ReleaseScope, found: ReleaseObservation): string[] {
  const { mark = {}, bytes, datasets, snapshots } = found;
  const size = formatBytes(bytes);
  const inside = {
    folder: `, ${size}`,
    dataset: `: ${count(datasets, 'dataset')}, ${count(snapshots.length, 'snapshot')}, ${size}`,
    instance: ' with its root disk and its snapshots',
  };
  return [
    `Yes: ${name} is destroyed${inside[kindOfKept(name)]}. There is no way back.`,
    ...(mark.from === undefined
      ? []
      : [`It was ${mark.from}${mark.at === undefined ? '' : `, until ${mark.at.slice(0, 10)}`}.`]),
    ...(mark.why === undefined ? [] : [`Why it was kept: ${mark.why}`]),
  ];
}
