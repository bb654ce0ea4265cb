import { isCancellation } from '@temporalio/workflow';
import { releaseCommand } from '../../plan/kept.ts';
import { describeRejoinStep, type RejoinPlan } from '../../plan/node-rejoin.ts';
import { inProject } from '../../plan/projects.ts';
import type { RejoinScope } from '../../plan/rejoin.ts';
import type { MissingPlan } from '../../plan/rejoin-missing.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Done } from './steps.ts';

export function alreadySo(scope: RejoinScope, { missing }: RejoinPlan): RunResult {
  return {
    outcome: 'AlreadySo',
    summary: `${scope.member} is a member, and what ran before runs${missing === undefined || isNothing(missing) ? '' : ', as far as it is back'}.`,
    left: missing === undefined ? [] : [...leftOfMissing(missing), ...whyNoInfra(scope, missing)],
    next: missing === undefined ? [] : toDoForMissing(scope, missing),
  };
}

const isNothing = (missing: MissingPlan): boolean => leftOfMissing(missing).length === 0;

export function planned(member: string, { case: kind, way }: RejoinPlan): RunResult {
  const what =
    kind === 'unknown'
      ? 'What its pools have is to be seen once they are imported. '
      : kind === 'nothing lost'
        ? ''
        : `${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}: ${way === 'identity' ? 'it goes on as who it was' : 'it joins anew'}. `;
  return {
    outcome: 'Done',
    summary: `${what}Nothing was changed.`,
    left: [],
    next: [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'do it' }],
  };
}

export function back(
  scope: RejoinScope,
  plan: RejoinPlan,
  done: readonly Done[],
  { took, unsaved }: { took: string | undefined; unsaved: readonly string[] },
): RunResult {
  const { member } = scope;
  const { lost, missing } = plan;
  const gone = [...lost.instances, ...lost.volumes];
  const healthy = missing === undefined || isNothing(missing) ? 'healthy' : 'healthy as far as its guests are back';
  const time = took === undefined ? '' : `, ${took} after its host was seen to answer by ssh`;
  return {
    outcome: 'Done',
    summary: `${member} is back in its cluster, Online and ${healthy}${time}.`,
    left: [
      ...done.flatMap(({ left }) => left),
      ...unsaved,
      ...(missing !== undefined
        ? [...leftOfMissing(missing), ...whyNoInfra(scope, missing)]
        : gone.length === 0
          ? []
          : [`not on its disks, so not back: ${gone.join(', ')}`]),
    ],
    next: [
      ...(missing === undefined ? [] : toDoForMissing(scope, missing)),
      ...done
        .flatMap(({ kept }) => kept)
        .map((name) => ({
          command: releaseCommand({ member, name }),
          purpose: 'destroy what was set aside, when you need it no more',
        })),
      { command: `runbook report node-rejoin/${member}`, purpose: 'what happened, minute by minute' },
      { command: 'runbook status', purpose: 'the fleet as it is' },
    ],
  };
}

function leftOfMissing({ inRestic, unseen, lost, notRemade }: MissingPlan): string[] {
  return [
    ...notRemade.map(
      ({ instance, why, isAside }) =>
        `not back: ${inProject(instance)}, since ${why}${isAside === true ? '; it stays set aside, with its own disk' : ''}`,
    ),
    ...inRestic.map(({ volume }) => `not back: volume ${volume}, of which restic has files`),
    ...unseen.map(({ volume, where }) => `not back: volume ${volume}, since nobody could look at ${where.join(', ')}`),
    ...lost.map((volume) => `lost: volume ${volume}, no copy of it is known`),
  ];
}

/** Terraform makes all that it misses. */
const whyNoInfra = ({ member, hasInfra }: RejoinScope, { unseen }: MissingPlan): string[] =>
  hasInfra && unseen.length > 0
    ? [
        `infra-apply refuses ${member} until then: Terraform would make an empty volume in the place of ${unseen.map(({ volume }) => volume).join(', ')}`,
      ]
    : [];

/** What a person does afterwards, in this order. What is not back stays written down, so that this runbook goes on with it. */
function toDoForMissing(scope: RejoinScope, missing: MissingPlan): RunResult['next'] {
  const { member, hasInfra, guests } = scope;
  const { unseen, notRemade, inRestic, lost, remake } = missing;
  const gone = [...inRestic.map(({ volume }) => volume), ...lost];
  // Terraform is refused until that is taken back.
  const isAside = notRemade.some((each) => each.isAside === true);
  const byHand = gone.map((volume) => ({
    command: `incus storage volume create ${placeOf(volume)} --target ${member}`,
    purpose: 'an empty one in its place, with its size and options',
  }));
  const anew = { command: `runbook start infra-apply --node ${member}`, purpose: 'make anew what is declared' };
  return [
    ...(gone.length + notRemade.length === 0 ? [] : hasInfra && !isAside ? (unseen.length > 0 ? [] : [anew]) : byHand),
    ...(isNothing(missing)
      ? []
      : [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'then: go on with what is not back' }]),
    ...remake
      .filter(({ name }) => guests.includes(name))
      .map(({ name }) => ({ command: `runbook start safe-upgrade --node ${name}`, purpose: 'deploy to it' })),
    ...[...new Set(inRestic.flatMap(({ entries }) => entries))].map((entry) => ({
      command: `runbook start restore --from restic --backup ${entry}`,
      purpose: 'its files, into its guest',
    })),
    ...(unseen.length === 0 ? [] : [{ command: 'runbook backups list', purpose: 'which places answer' }]),
  ];
}

/** `tank/work/data` as `incus` takes it. */
function placeOf(volume: string): string {
  const [pool = '', ...rest] = volume.split('/');
  const name = rest.at(-1) ?? '';
  return rest.length > 1 ? `${pool} ${name} --project ${rest[0] ?? ''}` : `${pool} ${name}`;
}

/** Nothing is taken back: the next run looks where it stands, and goes on. */
export function halfWay(error: unknown, member: string, { steps }: RejoinPlan, done: readonly Done[]): RunResult {
  const cause = describeFailure(error);
  const title = (step: RejoinPlan['steps'][number]): string => describeRejoinStep(step, member).title;
  const reached = new Set(done.map(({ step }) => step));
  const missing = steps.filter((step) => !reached.has(step));
  const why = isCancellation(error) ? 'It was cancelled.' : cause.message;
  return {
    outcome: 'Failed',
    summary: `${member} is not back yet. ${why}`,
    failure: cause,
    left: [
      ...done.flatMap(({ step, left }) => [`done, and it stays: ${title(step)}`, ...left]),
      ...(missing.length === 0 ? [] : [`not done: ${missing.map(title).join('; ')}`]),
    ],
    next: [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'go on: it begins with what is missing' }],
  };
}
