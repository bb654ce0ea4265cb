import type { Closure } from './observation.ts';
import { count } from './count.ts';
import { madeBy, type AffectedFile, type RotationObservation, type RotationScope } from './rotation.ts';
import { recreateGates, volumeWords, type RecreateGate } from './recreate-gates.ts';
import {
  creationSteps,
  settleStep,
  terraformGate,
  type PlannedCreation,
  type TerraformOrigin,
} from './recreate-terraform.ts';
import type { StepView } from './run.ts';

/** What vm-recreate is asked for, what it finds, and what it makes of it. Plain data. */

interface VolumeName {
  pool: string;
  name: string;
}

/** What the fleet file says at the run's revision. */
export interface RecreateScope extends RotationScope {
  project: string;
  type: 'container' | 'virtual-machine';
  /** What it is made from, as people read it. */
  image: string;
  /** Where Terraform makes it. */
  terraform?: TerraformOrigin;
  /** Those of the guest, attached in the end. */
  volumes: VolumeName[];
  /** Of those, the ones that no device of `create` attaches. */
  unattached: VolumeName[];
  /** Whether the fleet file says which ssh host key the guest has: deploy-rs needs that. */
  hasHostKey: boolean;
  /** How long the old one is to be kept; `0s`: not at all. */
  keepOld: string;
}

/** `alive`: it runs, and commands can be run in it. `dead`: it is there, and they cannot. `gone`: Incus has none of that name. */
export type OldGuest = 'alive' | 'dead' | 'gone';

export interface RecreateObservation extends RotationObservation {
  old?: {
    state: OldGuest;
    /** As Incus says. */
    status: string;
    location: string;
    /** Volumes that are attached to it. */
    volumes: VolumeName[];
    /** Of those, the ones that come from a profile. */
    inherited: VolumeName[];
    /** Incus deletes it when it stops. */
    isEphemeral?: true;
  };
  instanceProblem?: string;
  /** In how many places of the fleet file the guest's ssh host key is. */
  hostKeyPlaces: number;
  /** Of the guest's volumes: those that are not on its member, and who else has one attached. */
  missing: VolumeName[];
  inUse: (VolumeName & { by: string })[];
}

export interface RecreatePlan {
  gates: RecreateGate[];
  refusals: RecreateGate[];
  /** The recipient that is to go; empty where it is not known. */
  oldKey: string;
  old: OldGuest;
  files: AffectedFile[];
  /** What Terraform is to do, where it makes the guest. */
  creation?: PlannedCreation;
  steps: StepView[];
}

/** Pure. */
export function planRecreate(
  scope: RecreateScope,
  observation: RecreateObservation,
  revision: string,
  creation?: PlannedCreation,
): RecreatePlan {
  const old = observation.old?.state ?? 'gone';
  const { terraform } = scope;
  const gates = [
    ...recreateGates(scope, observation, revision),
    ...(terraform === undefined || creation === undefined ? [] : [terraformGate(scope, terraform, creation, old)]),
  ];
  return {
    ...(creation === undefined ? {} : { creation }),
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    oldKey: observation.named[0] ?? '',
    old,
    files: observation.files,
    steps: recreateSteps(scope, old, observation.files),
  };
}

/** What the old one is called once it is aside. Incus takes 63 characters. */
export const asideName = (guest: string, run: string): string => `${guest.slice(0, 62 - run.length)}-${run}`;

/** What the new one is called where it is given up. */
export const failedName = (guest: string, run: string): string => `${guest.slice(0, 55 - run.length)}-failed-${run}`;

const step = (id: string, phase: StepView['phase'], title: string, detail?: string): StepView => ({
  ...{ id, phase, title, state: 'pending' },
  ...(detail === undefined ? {} : { detail }),
});

export const snapshotStepId = ({ pool, name }: VolumeName): string => `snapshot-volume-${pool}-${name}`;

function recreateSteps(scope: RecreateScope, old: OldGuest, files: readonly AffectedFile[]): StepView[] {
  const { guest, member, volumes, image, push, keepOld, terraform } = scope;
  const all = count(files.length, 'file');
  const where = push === undefined ? 'a commit in the worker’s clone' : `a commit on ${push.remote}/${push.branch}`;
  return [
    ...volumes.map((volume) => step(snapshotStepId(volume), 'snapshot', `volume ${volume.name}`)),
    ...(old === 'gone' ? [] : [step('set-aside', 'drain', `the old ${guest} stops, and is renamed aside`)]),
    ...(terraform === undefined
      ? [step('create', 'install', `a new ${guest} on ${member}`, `from ${image}`)]
      : creationSteps(scope, terraform)),
    step('make-key', 'configure', 'its own key, made inside of it'),
    step('reencrypt', 'configure', `${all} for the new key alone`, `a new data key each, ${where}`),
    step('build', 'deploy', `build ${guest} with them`),
    step('deploy', 'deploy', `${guest} gets its system for the next boot`),
    step('attach', 'restore', volumes.length === 0 ? `${guest} boots` : `${volumeWords(volumes)}, and ${guest} boots`),
    step('verify', 'verify', `the new key reads ${all}, the old one nothing; ${guest} is healthy`),
    ...(terraform === undefined ? [] : [settleStep(terraform)]),
    ...(old === 'gone'
      ? []
      : [step('end-old', 'clean up', keepOld === '0s' ? `the old ${guest} is removed` : `the old ${guest} is kept`)]),
  ];
}

const SUBJECTS = { cut: 'the key of a new one', back: 'its key as before' };

/** Says which run made the commit, for whom, and both public keys. */
export function recreateMessage(
  phase: keyof typeof SUBJECTS,
  { name, guest, old, next }: { name: string; guest: string; old: string; next: string },
): string {
  return `secrets of ${guest}: ${SUBJECTS[phase]}

${madeBy(name)}vm-recreate).
old: ${old}
new: ${next}
`;
}

/** Whether a closure is what the guest runs and boots. */
export const runsIt = (
  { profilePath, runningPath }: { profilePath: string; runningPath: string },
  { path }: Pick<Closure, 'path'>,
): boolean => profilePath === path && runningPath === path;
