import { checklist, keyWords, otherReaders, type RotationPlan } from '../../plan/rotation.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Rotation } from './steps.ts';

export function planned(guest: string, { files }: RotationPlan): RunResult {
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: checklist(files).map((line) => `The old key can read, also afterwards in git’s history: ${line}`),
    next: [{ command: `runbook start rotate-keys --guest ${guest}`, purpose: 'begin; it asks first' }],
  };
}

/** A key that is out of the files is not out of git’s history: the values themselves have to change. */
export function rotated({ ref, scope, plan, names, next = '' }: Rotation, problems: string[]): RunResult {
  const merge = `git merge --ff-only runbook/${ref.name}`;
  const others = otherReaders(plan.files);
  return {
    outcome: 'Done',
    summary: `${ref.guest} has another key: ${keyWords({}, next)}. ${keyWords(names, plan.old)} decrypts none of its files any more.`,
    left: [
      ...(scope.push === undefined
        ? [
            `Branch runbook/${ref.name} of the worker’s clone: until it is merged, the next deployment would bring secrets that ${ref.guest} cannot read.`,
          ]
        : []),
      ...checklist(plan.files).map((line) => `Change at its source, the old key can read it in git’s history: ${line}`),
      ...(others.length === 0
        ? []
        : [`${others.join(', ')} read the same files, and get them by their next deployment.`]),
      `Snapshots and backups of ${ref.guest} from before may have the old key.`,
      ...problems,
    ],
    next: [
      ...(scope.push === undefined ? [{ command: merge, purpose: 'in the worker’s clone' }] : []),
      { command: 'runbook secrets status', purpose: 'who can decrypt what now' },
    ],
  };
}

export function takenBack(rotation: Rotation, error: unknown, problems: string[]): RunResult {
  const { ref } = rotation;
  const cause = describeFailure(error);
  if (problems.length === 0)
    return {
      outcome: 'RolledBack',
      summary: `${ref.guest} has the key that it had, and so have the files.`,
      failure: cause,
      left: [],
      next: [{ command: `runbook start rotate-keys --guest ${ref.guest}`, purpose: 'try again when it is mended' }],
    };
  return {
    outcome: 'Failed',
    summary: `${ref.guest} has the old key and can read all; not everything was taken back.`,
    failure: cause,
    left: problems,
    next: [{ command: 'runbook secrets status', purpose: 'who can decrypt what now' }],
  };
}

/** After the cut: the guest has both keys, so whatever it runs can be read. */
export function stuck({ ref, scope, plan, names, cut = '', next = '' }: Rotation, error: unknown): RunResult {
  const where =
    scope.push === undefined
      ? `refs/runbook/${ref.name}/cut of the worker’s clone`
      : `${scope.push.remote}/${scope.push.branch}`;
  return {
    outcome: 'Failed',
    summary: `The files are encrypted to the new key of ${ref.guest}, and it was not seen to be well with them.`,
    failure: describeFailure(error),
    left: [
      `Commit ${cut.slice(0, 7)} on ${where} is for ${keyWords({}, next)} alone.`,
      `${ref.guest} has both keys in ${scope.keyFile}: it can read what it runs, whichever of them that is for.`,
      `${keyWords(names, plan.old)} is still there: it goes when the keys are rotated again.`,
    ],
    next: [
      {
        command: `runbook start rotate-keys --guest ${ref.guest}`,
        purpose: 'again, when it is mended: it makes another key',
      },
    ],
  };
}
