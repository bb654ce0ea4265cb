import { listedBy, lostInstances, type QuorumObservation, type QuorumPlan } from '../../plan/quorum.ts';
import type { RunResult } from '../../plan/run.ts';
import { describeFailure } from '../support/failures.ts';
import type { Run } from '../support/run.ts';

const states = (members: readonly { name: string; status: string }[]): string =>
  members.map(({ name, status }) => `${name} ${status}`).join(', ');

export function alreadySo(member: string, observation: QuorumObservation): RunResult {
  const listed = listedBy(observation);
  return {
    outcome: 'AlreadySo',
    summary: `${member} has been given the database before, and the cluster has a leader: ${states(listed)}.`,
    left: [],
    next: [],
  };
}

export function planned(run: Run, member: string, { mode, gone }: QuorumPlan): RunResult {
  if (mode === 'recover')
    run.warn(`One-way. It asks for the name of ${[...gone, member].join(', of ')} before it begins.`);
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: `runbook start quorum-recover --node ${member}`, purpose: 'begin; it asks first' }],
  };
}

/** What was there before, what is there now, and what becomes of the members that are gone. */
export function recovered(
  member: string,
  before: { plan: QuorumPlan; observation: QuorumObservation },
  after: QuorumObservation,
  folder: string | undefined,
): RunResult {
  const { gone, apart, stops } = before.plan;
  const listed = listedBy(after);
  const left = [
    ...(folder === undefined ? [] : [`The former database of ${member} is in ${folder} on ${member}.`]),
    ...gone.map(
      (name) => `${name} must never run with its old database again: wipe its disk before it is switched on.`,
    ),
    ...(gone.length + apart.length === 0
      ? []
      : ['Do not run terraform apply before the lost members are back or out.']),
  ];
  const away = stops.filter((name) => listed.find((each) => each.name === name)?.status !== 'Online');
  const lost = lostInstances(
    before.observation.members.filter(({ name }) => stops.includes(name)),
    after.members,
  );
  const problem = [
    ...(away.length === 0 ? [] : [`${away.join(', ')} ${away.length === 1 ? 'is' : 'are'} not Online.`]),
    ...(lost.length === 0 ? [] : [`It ran before, and its process is gone: ${lost.join(', ')}.`]),
  ].join(' ');
  if (problem !== '')
    return {
      outcome: 'Failed',
      summary: `${member} carries the database on, and something is not as it was. ${problem}`,
      failure: {
        type: 'Unhealthy',
        message: problem,
        whatToDo: 'See incus cluster list and incus list there, and journalctl -u incus.service.',
      },
      left,
      next: nextFor(gone, apart),
    };
  return {
    outcome: 'Done',
    summary: `${member} carries the database on: ${states(listed)}.`,
    left,
    next: nextFor(gone, apart),
  };
}

/** A member that is listed and away stands in the way of a join, so the lost ones come back one by one, the others being out. */
function nextFor(gone: readonly string[], apart: readonly string[]): RunResult['next'] {
  const lost = [...gone, ...apart];
  const rejoin =
    lost.length === 1
      ? 'bring it back, installed anew'
      : 'bring it back, installed anew, once no other lost one is listed';
  return [
    { command: 'runbook status --live', purpose: 'the fleet as it is' },
    ...lost.map((name) => ({
      command: `runbook start member-remove --node ${name}`,
      purpose: `have the cluster forget ${name}`,
    })),
    ...lost.map((name) => ({ command: `runbook start node-rejoin --node ${name}`, purpose: rejoin })),
  ];
}

/** A refusal of an activity's says that somebody was at it meanwhile; what is stopped stays so for the next run. */
export function halfWay(member: string, error: unknown): RunResult {
  const cause = describeFailure(error);
  return {
    outcome: 'Failed',
    summary: `Incus may be stopped where it was to be; instances run on. ${cause.message}`,
    failure: cause,
    left: ['Started again, it looks where it stands and goes on.'],
    next: [{ command: `runbook start quorum-recover --node ${member}`, purpose: 'go on' }],
  };
}
