import type { RunRef } from '../activities/contract.ts';
import { durationMs } from '../plan/duration.ts';
import {
  planRemoval,
  whatRemains,
  type RemovalObservation,
  type RemovalPlan,
  type RemovalScope,
} from '../plan/member-removal.ts';
import type { RunResult, RunView } from '../plan/run.ts';
import type { MemberRemoveInput } from './messages.ts';
import { conclude, unchanged } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { withLocks } from './support/locks.ts';
import { Run } from './support/run.ts';
import { refused } from './upgrade/results.ts';

/** So many records of a dead member are told by name before its removal is approved. */
const TOLD = 20;

/**
 * Takes a member out of the cluster. One that lives has to be empty and leaves by itself; one that is dead is forgotten,
 * with its records, by an approval that carries its name. Nothing is moved: placement is a person's.
 */
export async function memberRemove(input: MemberRemoveInput): Promise<RunView> {
  const { member, fleet } = input;
  const run = new Run({ runbook: 'member-remove', subject: member, revision: fleet.revision, startedBy: input.actor });
  const ref = { fleet, name: run.view.name };
  return conclude(
    run,
    async () => {
      const scope = await run.step(
        { id: 'scope', phase: 'gate', title: 'fleet file', kind: 'observe' },
        (act) => act.resolveRemoval({ fleet, member }),
        ({ members }) => ({ state: 'done', detail: members.join(', ') }),
      );
      const work = (): Promise<RunResult> => removeFrom(run, ref, scope, input.planOnly);
      const members = scope.members.map((name) => `member/${name}`);
      return input.planOnly ? work() : withLocks(run, members, work);
    },
    input,
  );
}

interface Looked {
  plan: RemovalPlan;
  observation: RemovalObservation;
}

async function removeFrom(run: Run, ref: RunRef, scope: RemovalScope, planOnly: boolean): Promise<RunResult> {
  const { plan, observation } = await look(run, ref, scope, { id: 'observe', phase: 'gate', title: 'the cluster' });
  if (plan.mode === 'none') return alreadySo(scope, plan, observation);
  run.judge(plan.gates);
  if (plan.refusals.length > 0) return refused(plan, planOnly ? 'It would not start' : 'Not started');
  run.announce(plan.steps);
  if (planOnly) return planned(run, scope, plan);
  let checked: Looked;
  try {
    await approve(run, scope, plan);
    // Hours may have gone by.
    checked = await look(run, ref, scope, { id: 'look-again', phase: 'gate', title: 'the same once more' });
    if (checked.plan.mode === plan.mode && checked.plan.refusals.length > 0) {
      run.view.gates = checked.plan.gates;
      return refused(checked.plan, 'Not done');
    }
    if (checked.plan.mode !== plan.mode) throw failure('GateRefused', turned(scope, checked.plan));
    await run.hold();
  } catch (error) {
    return unchanged(error);
  }
  try {
    await act(run, ref, scope, plan);
    const verify = { id: 'verify', phase: 'verify', title: 'members, and what is left' } as const;
    return removed(scope, plan, await look(run, ref, scope, verify, observation.places));
  } catch (error) {
    return halfWay(scope, error);
  }
}

async function look(
  run: Run,
  ref: RunRef,
  scope: RemovalScope,
  step: { id: string; phase: 'gate' | 'verify'; title: string },
  places: RemovalObservation['places'] = [],
): Promise<Looked> {
  return run.step(
    { ...step, kind: 'observe' },
    async (activities) => {
      const observation = await activities.observeRemoval({
        ...ref,
        member: scope.member,
        places: places.map(({ pool, source }) => ({ pool, source })),
      });
      return { observation, plan: planRemoval(scope, observation) };
    },
    ({ observation: { members, noQuorum } }) => ({
      state: 'done',
      detail: noQuorum === undefined ? members.map(({ name, status }) => `${name} ${status}`).join(', ') : 'no quorum',
    }),
  );
}

const turned = ({ member }: RemovalScope, { mode }: RemovalPlan): string =>
  mode === 'none'
    ? `${member} is no member any more.`
    : `${member} ${mode === 'forced' ? 'died' : 'lives again'} meanwhile.`;

async function approve(run: Run, { member, approvalTimeout }: RemovalScope, plan: RemovalPlan): Promise<void> {
  const timeoutMs = durationMs(approvalTimeout);
  const no = 'No, or no answer in time: nothing is changed.';
  const { approved, actor, reason } = await run.ask(
    plan.mode === 'forced'
      ? {
          id: 'forget',
          destructive: true,
          question: `Have the cluster forget ${member}, which is dead?`,
          consequences: [
            'Yes: there is no way back. Should it come back by itself, it is no member any more.',
            plan.forgets.length === 0
              ? 'The cluster has nothing on record there.'
              : `The cluster forgets: ${told(plan.forgets)}. The data stay on its disk, as they are.`,
            no,
          ],
          expects: member,
          timeoutMs,
        }
      : {
          id: 'remove',
          destructive: false,
          question: `Take ${member} out of the cluster?`,
          consequences: [
            'Yes: it becomes an Incus server of its own. Incus deletes its pools, which are empty, and its networks there.',
            no,
          ],
          timeoutMs,
        },
  );
  if (!approved) throw failure('NotApproved', `The removal of ${member} was not approved (${actor}: ${reason}).`);
}

const told = (records: readonly string[]): string =>
  records.length <= TOLD
    ? records.join(', ')
    : `${records.slice(0, TOLD).join(', ')} and ${records.length - TOLD} more`;

async function act(run: Run, ref: RunRef, { member }: RemovalScope, plan: RemovalPlan): Promise<void> {
  const { via, mode, forgets: records, steps } = plan;
  await run.step(
    { id: 'remove', phase: 'remove', title: steps[0]?.title ?? '', kind: 'act' },
    (activities) =>
      mode === 'forced'
        ? activities.forgetMember({ ...ref, member, via, records })
        : activities.removeMember({ ...ref, member, via }),
    (state) => ({ state }),
  );
}

function alreadySo(scope: RemovalScope, plan: RemovalPlan, observation: RemovalObservation): RunResult {
  return {
    outcome: 'AlreadySo',
    summary: `${scope.member} is no member: ${theCluster(observation.members)}.`,
    left: whatRemains(scope, plan, observation),
    next: [],
  };
}

const theCluster = (members: RemovalObservation['members']): string =>
  `${members.map(({ name }) => name).join(', ')} ${members.length === 1 ? 'is' : 'are'} the cluster`;

function planned(run: Run, { member }: RemovalScope, plan: RemovalPlan): RunResult {
  if (plan.mode === 'forced')
    run.warn(
      `One-way: the cluster would forget ${told(plan.forgets) || 'nothing but the member'}. It asks for the name.`,
    );
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: `runbook start member-remove --node ${member}`, purpose: 'begin; it asks first' }],
  };
}

function removed(scope: RemovalScope, plan: RemovalPlan, after: Looked): RunResult {
  const { member, canJoin } = scope;
  const { members } = after.observation;
  if (after.plan.mode !== 'none')
    return needsYou(scope, {
      type: 'Unexpected',
      message: `${member} is listed still: ${members.find(({ name }) => name === member)?.status ?? ''}.`,
      whatToDo: 'Look at incus cluster list, then start it again: it goes on.',
    });
  const back =
    plan.mode === 'forced'
      ? [{ command: `runbook start node-rejoin --node ${member}`, purpose: 'bring it back with its data disk' }]
      : canJoin
        ? [{ command: 'runbook start cluster-bootstrap', purpose: `let ${member} join again, empty` }]
        : [];
  const forgotten = plan.forgets.length === 0 ? [] : [`The cluster has forgotten: ${told(plan.forgets)}.`];
  return {
    outcome: 'Done',
    summary: `${member} is no member any more; ${theCluster(members)}.`,
    left: [...forgotten, ...whatRemains(scope, plan, after.observation)],
    next: [{ command: 'runbook status --live', purpose: 'the fleet as it is' }, ...back],
  };
}

/** A refusal of the activity's comes before it acts. */
function halfWay(scope: RemovalScope, error: unknown): RunResult {
  const cause = describeFailure(error);
  return cause.type === 'GateRefused' ? unchanged(error) : needsYou(scope, cause);
}

function needsYou({ member }: RemovalScope, cause: NonNullable<RunResult['failure']>): RunResult {
  return {
    outcome: 'Failed',
    summary: `Whether ${member} is out is not certain. ${cause.message}`,
    failure: cause,
    left: [],
    next: [{ command: `runbook start member-remove --node ${member}`, purpose: 'go on: it looks first' }],
  };
}
