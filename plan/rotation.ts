import type { Closure, LoginTrouble, SystemState } from './observation.ts';
import { count } from './count.ts';
import { rotationGates, type RotationGate } from './rotation-gates.ts';
import type { StepView } from './run.ts';
import { shortName } from './secrets.ts';

/** What rotate-keys is asked for, what it finds, and what it makes of it. Plain data. */

/** What the fleet file says at the run's revision. */
export interface RotationScope {
  guest: string;
  member: string;
  /** The file with the rules of SOPS. */
  config: string;
  /** In the guest. */
  keyFile: string;
  push?: { remote: string; branch: string };
  approvalTimeout: string;
}

/** A file that the guest's key can decrypt. */
export interface AffectedFile {
  path: string;
  /** Where its values are; empty for a file that is encrypted as a whole. */
  values: string[];
  /** Recipients that are neither the guest nor the operator, by name. */
  others: string[];
  /** Why it cannot be encrypted anew. */
  problem?: string;
}

export interface RotationObservation {
  /** The worker's clone. */
  head: string;
  uncommitted: string[];
  /** Where commits go. */
  remote?: { head?: string; problem?: string };
  /** Why SOPS cannot be used on the worker. */
  sopsProblem?: string;
  /** Why the rules cannot be read. */
  configProblem?: string;
  names: Record<string, string>;
  /** Public keys of what is in the guest's key file. */
  keys: string[];
  keyProblem?: string;
  /** Of those, the ones that the rules name. */
  named: string[];
  files: AffectedFile[];
  system?: SystemState;
  systemProblem?: string;
  login?: LoginTrouble;
  orchestratorHere?: string;
}

export interface RotationPlan {
  gates: RotationGate[];
  refusals: RotationGate[];
  /** The recipient that is to go; empty where it is not known. */
  old: string;
  files: AffectedFile[];
  steps: StepView[];
}

/** `closure`: what the guest runs at the run's revision, where that was built. Pure. */
export function planRotation(
  scope: RotationScope,
  observation: RotationObservation,
  revision: string,
  closure?: Closure,
): RotationPlan {
  const gates = rotationGates(scope, observation, revision, closure);
  const { files, named } = observation;
  return {
    gates,
    refusals: gates.filter(({ verdict }) => verdict === 'refused'),
    old: named[0] ?? '',
    files,
    steps: rotationSteps(scope, files),
  };
}

const step = (id: string, phase: StepView['phase'], title: string): StepView => ({
  id,
  phase,
  title,
  state: 'pending',
});

function rotationSteps({ guest, push }: RotationScope, files: readonly AffectedFile[]): StepView[] {
  const all = count(files.length, 'file');
  const where = push === undefined ? 'a commit in the worker’s clone' : `a commit on ${push.remote}/${push.branch}`;
  return [
    { ...step('make-key', 'configure', `a second key in ${guest}`), detail: 'the old one stays beside it' },
    { ...step('hand-over', 'configure', `${all} for both keys`), detail: where },
    step('build-hand-over', 'deploy', `build ${guest} with them`),
    step('deploy-hand-over', 'deploy', `${guest} with files for both keys`),
    step('verify-hand-over', 'verify', `the new key reads ${all} in ${guest}`),
    { ...step('cut', 'remove', `${all} for the new key alone`), detail: `a new data key each, ${where}` },
    step('build-cut', 'remove', `build ${guest} with them`),
    step('deploy-cut', 'remove', `${guest} with files for the new key`),
    step('verify-cut', 'remove', 'the new key reads all, the old one nothing'),
    step('retire-key', 'clean up', `the old key of ${guest} goes`),
  ];
}

/** What the old key could have read. Names of values, never values. */
export function checklist(files: readonly AffectedFile[]): string[] {
  return files.map(
    ({ path, values }) =>
      `${path}: ${values.length === 0 ? 'all of it, as it is encrypted as a whole' : values.join(', ')}`,
  );
}

/** Who else reads the files: they go on with the ciphertext that they were deployed with. */
export const otherReaders = (files: readonly AffectedFile[]): string[] => [
  ...new Set(files.flatMap(({ others }) => others)),
];

const SUBJECTS = {
  'hand-over': 'a second key beside its own',
  cut: 'its new key alone, and new data keys',
  back: 'its key as before',
};

/** What the commits of a run have in their message, and those of no other run. */
export const madeBy = (run: string): string => `Made by ${run} (`;

/** Says which run made the commit, for whom, and both public keys. */
export function commitMessage(
  phase: keyof typeof SUBJECTS,
  { name, guest, old, next }: { name: string; guest: string; old: string; next: string },
): string {
  return `secrets of ${guest}: ${SUBJECTS[phase]}

${madeBy(name)}rotate-keys).
old: ${old}
new: ${next}
`;
}

/** `edge-vm (age1abcdefgh…)` */
export function keyWords(names: Readonly<Record<string, string>>, key: string): string {
  const name = shortName(names, key);
  return names[key] === undefined ? name : `${name} (${shortName({}, key)})`;
}
