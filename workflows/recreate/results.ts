import { keptInstance, releaseCommand } from '../../plan/kept.ts';
import { asideName, failedName, type RecreatePlan, type RecreateScope } from '../../plan/recreate.ts';
import { checklist, keyWords, otherReaders } from '../../plan/rotation.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Recreation, TakenBack } from './steps.ts';

export function planned({ guest }: RecreateScope, { files }: RecreatePlan): RunResult {
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: checklist(files).map((line) => `The old key can read, also afterwards in git’s history: ${line}`),
    next: [{ command: `runbook start vm-recreate --guest ${guest}`, purpose: 'begin; it asks first' }],
  };
}

/** A key that is out of the files is not out of git’s history: the values themselves have to change. */
export function recreated({ ref, scope, plan, names, next = '' }: Recreation, problems: string[]): RunResult {
  const { guest, member, push, keepOld, volumes } = scope;
  const others = otherReaders(plan.files);
  const kept = { member, name: keptInstance(asideName(guest, ref.name)) };
  const isKept = plan.old !== 'gone' && keepOld !== '0s';
  return {
    outcome: 'Done',
    summary: `${guest} was made anew and is healthy, with a key of its own: ${keyWords({}, next)}. ${keyWords(names, plan.oldKey)} decrypts none of its files any more.`,
    left: [
      ...(push === undefined
        ? [
            `Branch runbook/${ref.name} of the worker’s clone has its secrets and its host key: until it is merged, the next deployment would bring secrets that ${guest} cannot read.`,
          ]
        : []),
      ...checklist(plan.files).map((line) => `Change at its source, the old key can read it in git’s history: ${line}`),
      ...(others.length === 0
        ? []
        : [`${others.join(', ')} read the same files, and get them by their next deployment.`]),
      ...(isKept
        ? [`The old ${guest} is stopped, without its volumes, as ${asideName(guest, ref.name)} on ${member}.`]
        : []),
      ...(volumes.length === 0 ? [] : [`Snapshots of its volumes from before: ${ref.name}.`]),
      ...problems,
    ],
    next: [
      ...(push === undefined
        ? [{ command: `git merge --ff-only runbook/${ref.name}`, purpose: 'in the worker’s clone' }]
        : []),
      ...(isKept
        ? [{ command: releaseCommand(kept), purpose: 'remove the old one, once nothing of it is missed' }]
        : []),
      { command: 'runbook secrets status', purpose: 'who can decrypt what now' },
    ],
  };
}

export function takenBack(recreation: Recreation, error: unknown, { problems, isKept, isGone }: TakenBack): RunResult {
  if (isGone) return oldIsGone(recreation, error, problems);
  const { ref, plan, scope } = recreation;
  const { guest } = ref;
  const cause = describeFailure(error);
  const failed = failedName(guest, ref.name);
  const release = releaseCommand({ member: scope.member, name: keptInstance(failed) });
  if (problems.length === 0)
    return {
      outcome: 'RolledBack',
      summary:
        plan.old === 'gone'
          ? `There is no ${guest}, as before; its data volumes and its files are as they were.`
          : `The old ${guest} is back under its name with its volumes and its key, and so are the files.`,
      failure: cause,
      left: [
        ...(scope.volumes.length === 0 ? [] : [`Snapshots of its volumes: ${ref.name}.`]),
        ...(isKept ? [`The new one, which Incus did not remove: stopped, without its volumes, as ${failed}.`] : []),
      ],
      next: [
        { command: `runbook start vm-recreate --guest ${guest}`, purpose: 'try again when it is mended' },
        ...(isKept ? [{ command: release, purpose: 'remove what is left of the new one' }] : []),
      ],
    };
  return {
    outcome: 'Failed',
    summary: `${guest} could not be made anew, and not everything was taken back.`,
    failure: cause,
    left: [
      ...problems,
      ...(plan.old === 'gone'
        ? []
        : [`The old ${guest} is called ${asideName(guest, ref.name)} where it was not given its name back.`]),
      `The new one, where it is there still, is called ${failed}, or ${guest}.`,
    ],
    next: [
      { command: `incus list ${guest}`, purpose: `on ${scope.member}: what is there` },
      { command: 'runbook secrets status', purpose: 'who can decrypt what now' },
    ],
  };
}

/** Nothing is taken back then: what is there is the new one, and it is not brought to its end. */
function oldIsGone(
  { ref, scope, plan, names, cut, next = '' }: Recreation,
  error: unknown,
  problems: string[],
): RunResult {
  const { guest } = ref;
  return {
    outcome: 'Failed',
    summary: `${guest} could not be made anew, and there is no old one any more to go back to: the new one is left as it is.`,
    failure: describeFailure(error),
    left: [
      ...problems,
      cut === undefined
        ? `Its files are as they were, for ${keyWords(names, plan.oldKey)}: the new one cannot read them.`
        : `Its files stay as they are in ${cut.slice(0, 7)}, for ${keyWords({}, next)}, the key of the new one.`,
      ...(scope.terraform === undefined
        ? []
        : [
            `The state of ${scope.member} is left as it is: ${scope.terraform.address} is the new one, where it was made.`,
          ]),
    ],
    next: [
      { command: `incus list ${guest}`, purpose: `on ${scope.member}: what is there` },
      { command: `runbook start vm-recreate --guest ${guest}`, purpose: 'make it anew, when it is mended' },
    ],
  };
}
